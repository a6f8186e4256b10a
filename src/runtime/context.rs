//! The current runtime: this thread's, or the process default.
//!
//! Book: chapter 7.

use std::sync::Arc;

use once_cell::sync::OnceCell;

use super::{BuildError, Builder, Handle, Runtime};
use crate::driver::Driver;
use crate::scheduler::context::{Lent, current, current_driver};

static DEFAULT: OnceCell<Runtime> = OnceCell::new();

pub(super) fn try_current() -> Option<Handle> {
    current().map(Handle::new).or_else(|| DEFAULT.get().map(|runtime| runtime.handle().clone()))
}

/// The current runtime's handle; starts the process default if there is none.
#[track_caller]
pub(crate) fn current_or_default() -> Handle {
    // A match, since a closure would hide the caller's place from a panic.
    match current() {
        Some(shared) => Handle::new(shared),
        None => default().handle().clone(),
    }
}

/// The current runtime's driver; starts the process default if there is none.
#[track_caller]
pub(crate) fn driver() -> Arc<Driver> {
    match current_driver() {
        Some(driver) => driver,
        None => Arc::clone(&default().handle().shared().driver),
    }
}

/// The same for a sleep.
#[inline]
#[track_caller]
pub(crate) fn lent_driver() -> Lent {
    match Lent::of_current() {
        Some(driver) => driver,
        None => Lent::new(driver()),
    }
}

/// The process default, started if it is not there yet.
#[track_caller]
fn default() -> &'static Runtime {
    match DEFAULT.get_or_try_init(|| Builder::default().build()) {
        Ok(runtime) => runtime,
        Err(error) => panic!("cannot start the default runtime: {error}"),
    }
}

/// Makes `builder`'s runtime the process default.
pub(super) fn install(builder: Builder) -> Result<&'static Runtime, BuildError> {
    let mut builder = Some(builder);
    let runtime = DEFAULT.get_or_try_init(|| {
        let builder = builder.take().expect("an initialiser runs once");
        builder.build()
    })?;
    if builder.is_some() { Err(BuildError::AlreadyRunning) } else { Ok(runtime) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheduler::context::{Role, enter};

    #[test]
    fn a_driver_that_was_lent_stays_with_its_thread_and_goes_with_the_membership() {
        let runtime = Builder::default().with_high_num(0).with_low_num(1).build();
        let runtime = runtime.expect("it can be built");
        let driver = Arc::clone(&runtime.handle().shared().driver);
        let owners = || Arc::strong_count(&driver);
        let before = owners();
        let membership = enter(runtime.handle().shared(), Role::Entered);
        let entered = owners();
        let (one, two) = (Lent::of_current(), Lent::of_current());
        assert_eq!(owners(), entered + 2);
        drop((one, two));
        assert_eq!(owners(), entered + 1, "one is kept, the other one is not");
        let third = Lent::of_current();
        assert_eq!(owners(), entered + 1, "the one that was kept");
        drop(membership);
        drop(third);
        assert_eq!(owners(), before);
    }
}
