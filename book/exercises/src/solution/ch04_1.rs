//! Exercise 1 of chapter 4, solved: where does a message end?

use std::io;

use futures_lite::{AsyncRead, AsyncReadExt};

/// The next message of at most `limit` bytes; `None` if the stream ended where one might have begun.
///
/// # Errors
///
/// `UnexpectedEof` if it ended anywhere else, `InvalidData` if the message is longer than `limit`.
pub async fn read_frame<R: AsyncRead + Unpin>(
    reader: &mut R,
    limit: usize,
) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    if reader.read(&mut length[..1]).await? == 0 {
        return Ok(None);
    }
    reader.read_exact(&mut length[1..]).await?;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > limit {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut message = Vec::new();
    // Memory is taken for what has come, not for what was announced.
    if reader.take(length as u64).read_to_end(&mut message).await? < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(message))
}
