//! The attributes `#[waterwheel::main]` and `#[waterwheel::test]`.
//!
//! Both turn an `async fn` into a plain one: the async function moves inside, a runtime is built,
//! and the runtime blocks on it. Nothing else happens, so each attribute can be replaced by
//! four lines written by hand.
//!
//! Three files, in the order in which an attribute passes them: `arguments` reads what stands in
//! its parentheses, `function` takes the function apart, `expand` writes the new one. The crate
//! has no dependencies: an `async fn` without arguments is a short run of tokens, and a parser
//! for all of Rust would be most of the time it takes to build Waterwheel.
//!
//! It fails with a compile error on the tokens that are wrong, and still expands to a function
//! where it can, so that one mistake gives one message.
//!
//! Book: chapter 3.

mod arguments;
mod expand;
mod function;

use arguments::Kind;
use proc_macro::TokenStream;

/// Runs an `async fn main` on a runtime of its own.
///
/// The runtime is built before the first line of the function and shut down after its last one, so
/// a task still running when `main` returns is cancelled.
///
/// | argument | what it sets | when it is missing |
/// |---|---|---|
/// | `high = N` | workers at home in lane High | a quarter of the cores, at least one |
/// | `low = N` | workers at home in lane Low | the other cores, at least one |
/// | `start_paused = true` | the clock stands still until it is advanced | it runs |
///
/// A value is any expression of the builder's type: `high = WORKERS` works with a `const`.
///
/// # Errors
///
/// It does not compile on a function that is not `async`, takes arguments or is generic, nor with
/// an argument that is not in the table.
///
/// # Panics
///
/// When the runtime cannot be built: the panic says which setting was refused and why.
///
/// # Examples
///
/// ```
/// use waterwheel::{Priority, spawn_task};
///
/// #[waterwheel::main(high = 1, low = 1)]
/// async fn main() -> Result<(), std::num::ParseIntError> {
///     let urgent = spawn_task!(async { "4".parse::<u32>() }, Priority::High);
///     let later = spawn_task!(async { "2".parse::<u32>() });
///     assert_eq!(urgent.await? * 10 + later.await?, 42);
///     Ok(())
/// }
/// ```
#[proc_macro_attribute]
pub fn main(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::expand(Kind::Main, arguments, item)
}

/// Runs an `async fn` as a test, on a runtime of its own.
///
/// Every other attribute of the function keeps its meaning: `#[should_panic]`, `#[ignore]`,
/// `#[cfg]`. A test may return whatever a plain one may, a `Result` for instance.
///
/// | argument | what it sets | when it is missing |
/// |---|---|---|
/// | `high = N` | workers at home in lane High | a quarter of the cores, at least one |
/// | `low = N` | workers at home in lane Low | the other cores, at least one |
/// | `seed = N` | the seed of every choice the runtime makes at random | a new one each time |
/// | `start_paused = true` | the clock stands still until it is advanced | it runs |
///
/// # Errors
///
/// It does not compile on a function that is not `async`, takes arguments or is generic, nor with
/// an argument that is not in the table.
///
/// # Panics
///
/// When the runtime cannot be built: the test fails with the reason.
///
/// # Examples
///
/// ```
/// #[waterwheel::test(low = 2, seed = 7)]
/// async fn two_tasks_add_up() {
///     let one = waterwheel::spawn_task!(async { 1 });
///     let two = waterwheel::spawn_task!(async { 2 });
///     assert_eq!(one.await + two.await, 3);
/// }
/// # fn main() {}
/// ```
#[proc_macro_attribute]
pub fn test(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::expand(Kind::Test, arguments, item)
}
