//! Exercise 1 of chapter 4: where does a message end?
//!
//! TCP carries bytes, not messages: what was written at once may be read in pieces, and the other
//! way round. So put the length in front of each message, as four bytes, the most significant one
//! first, and read it back whole. A peer may lie about the length, and may hang up at any byte.

use std::io;

use futures_lite::AsyncRead;

/// The next message of at most `limit` bytes; `None` if the stream ended where one might have begun.
///
/// # Errors
///
/// `UnexpectedEof` if it ended anywhere else, `InvalidData` if the message is longer than `limit`.
#[expect(unused_variables, clippy::unused_async, reason = "this is for you to write")]
pub async fn read_frame<R: AsyncRead + Unpin>(
    reader: &mut R,
    limit: usize,
) -> io::Result<Option<Vec<u8>>> {
    todo!("`futures_lite::AsyncReadExt` has `read`, which may give less than there is room for")
}
