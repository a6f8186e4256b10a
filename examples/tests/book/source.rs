//! Finds an item in a Rust source file by name and cuts out its lines.
//!
//! Names: `spawn`, `Worker`, `Worker::next` (a method or an associated item), `impl Worker`,
//! `impl Drop for Worker`, `join!` (a `macro_rules!`), `inner::spawn` (inside a module). The
//! item's own doc comment is left out: the chapter speaks for it.

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::{Attribute, ImplItem, Item, TraitItem, Type};

/// The first and last line of an item, 1-based.
type Lines = (usize, usize);

/// Cuts `name` out of `text`, without its doc comment and without its indentation.
pub(crate) fn item(text: &str, name: &str) -> Result<String, String> {
    let file = syn::parse_file(text).map_err(|error| format!("is not Rust: {error}"))?;
    let (first, last) =
        find(&file.items, name).ok_or_else(|| format!("has no item named `{name}`"))?;
    let lines: Vec<&str> = text.lines().skip(first - 1).take(last + 1 - first).collect();
    let indent = lines
        .iter()
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.len() - line.trim_start().len())
        .min()
        .unwrap_or(0);
    let cut: Vec<&str> = lines.iter().map(|line| line.get(indent..).unwrap_or("")).collect();
    Ok(cut.join("\n"))
}

fn find(items: &[Item], name: &str) -> Option<Lines> {
    items.iter().find_map(|item| find_in(item, name))
}

fn find_in(item: &Item, name: &str) -> Option<Lines> {
    match item {
        Item::Fn(it) => named(&it.sig.ident, name, it.span(), &it.attrs),
        Item::Struct(it) => named(&it.ident, name, it.span(), &it.attrs),
        Item::Enum(it) => named(&it.ident, name, it.span(), &it.attrs),
        Item::Type(it) => named(&it.ident, name, it.span(), &it.attrs),
        Item::Const(it) => named(&it.ident, name, it.span(), &it.attrs),
        Item::Static(it) => named(&it.ident, name, it.span(), &it.attrs),
        Item::Macro(it) => {
            let ident = it.ident.as_ref()?;
            (name.strip_suffix('!') == Some(&ident.to_string())).then(|| cut(it.span(), &it.attrs))
        }
        Item::Mod(it) => {
            if let Some(lines) = named(&it.ident, name, it.span(), &it.attrs) {
                return Some(lines);
            }
            let inner = name.strip_prefix(&format!("{}::", it.ident))?;
            find(&it.content.as_ref()?.1, inner)
        }
        Item::Trait(it) => named(&it.ident, name, it.span(), &it.attrs).or_else(|| {
            let inner = name.strip_prefix(&format!("{}::", it.ident))?;
            it.items.iter().find_map(|member| match member {
                TraitItem::Fn(it) => named(&it.sig.ident, inner, it.span(), &it.attrs),
                _ => None,
            })
        }),
        Item::Impl(it) => {
            let on = type_name(&it.self_ty)?;
            let title = it.trait_.as_ref().map_or_else(
                || format!("impl {on}"),
                |(_, path, _)| {
                    let last = path.segments.last().map(|segment| segment.ident.to_string());
                    format!("impl {} for {on}", last.unwrap_or_default())
                },
            );
            if title == name {
                return Some(cut(it.span(), &it.attrs));
            }
            let inner = name.strip_prefix(&format!("{on}::"))?;
            it.items.iter().find_map(|member| match member {
                ImplItem::Fn(it) => named(&it.sig.ident, inner, it.span(), &it.attrs),
                ImplItem::Const(it) => named(&it.ident, inner, it.span(), &it.attrs),
                _ => None,
            })
        }
        _ => None,
    }
}

fn named(ident: &syn::Ident, name: &str, span: Span, attrs: &[Attribute]) -> Option<Lines> {
    (ident == name).then(|| cut(span, attrs))
}

/// The lines of an item, starting after its leading doc comment.
fn cut(span: Span, attrs: &[Attribute]) -> Lines {
    let docs = attrs.iter().take_while(|attr| attr.path().is_ident("doc"));
    let first = docs.last().map_or(span.start().line, |attr| attr.span().end().line + 1);
    (first, span.end().line)
}

fn type_name(ty: &Type) -> Option<String> {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|segment| segment.ident.to_string()),
        Type::Reference(reference) => type_name(&reference.elem),
        _ => None,
    }
}

#[test]
fn items_are_found_by_name_without_their_doc_comment() {
    let text = "\
/// Says hello.
fn hello() {}

struct Wheel;

impl Wheel {
    /// Turns.
    #[inline]
    fn turn(&self) {
        hello();
    }
}

impl Drop for Wheel {
    fn drop(&mut self) {}
}

macro_rules! spin { () => {}; }

mod inner { pub fn deep() {} }
";
    assert_eq!(item(text, "hello").as_deref(), Ok("fn hello() {}"));
    assert_eq!(
        item(text, "Wheel::turn").as_deref(),
        Ok("#[inline]\nfn turn(&self) {\n    hello();\n}")
    );
    assert_eq!(
        item(text, "impl Drop for Wheel").as_deref(),
        Ok("impl Drop for Wheel {\n    fn drop(&mut self) {}\n}")
    );
    assert_eq!(item(text, "spin!").as_deref(), Ok("macro_rules! spin { () => {}; }"));
    assert_eq!(item(text, "inner::deep").as_deref(), Ok("mod inner { pub fn deep() {} }"));
    assert!(item(text, "Wheel::stop").is_err(), "a missing item is noticed");
}
