//! What a thread keeps for itself, where the model checker runs.
//!
//! Loom runs all threads of a model on one of the system's, so what std keeps for each thread they would
//! have in common. Loom's keys cannot be asked for more than `with`; these can, as std's can.
//!
//! Book: chapter 19.

use std::cell::{Cell, RefCell};
use std::marker::PhantomData;

use loom::thread::AccessError;

macro_rules! local_keys {
    ($($(#[$attribute:meta])* $vis:vis static $name:ident: $value:ty = $init:expr);+ $(;)?) => {
        $($(#[$attribute])*
        $vis static $name: $crate::models::local::LocalKey<$value> =
            $crate::models::local::LocalKey::new(|| $init);)+
    };
}
pub(crate) use local_keys as thread_local;

pub(crate) struct LocalKey<T: 'static>(loom::thread::LocalKey<T>);

impl<T: 'static> LocalKey<T> {
    pub(crate) const fn new(init: fn() -> T) -> Self {
        Self(loom::thread::LocalKey { init, _p: PhantomData })
    }

    pub(crate) fn with<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
        self.0.with(f)
    }

    pub(crate) fn try_with<R>(&'static self, f: impl FnOnce(&T) -> R) -> Result<R, AccessError> {
        self.0.try_with(f)
    }
}

impl<T: 'static> LocalKey<Cell<T>> {
    pub(crate) fn get(&'static self) -> T
    where
        T: Copy,
    {
        self.with(Cell::get)
    }

    pub(crate) fn set(&'static self, value: T) {
        self.with(|cell| cell.set(value));
    }

    pub(crate) fn replace(&'static self, value: T) -> T {
        self.with(|cell| cell.replace(value))
    }
}

impl<T: 'static> LocalKey<RefCell<T>> {
    pub(crate) fn with_borrow_mut<R>(&'static self, f: impl FnOnce(&mut T) -> R) -> R {
        self.with(|cell| f(&mut cell.borrow_mut()))
    }
}
