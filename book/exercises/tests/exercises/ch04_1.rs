use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll};

use exercises::ch04_1::read_frame;
use futures_lite::AsyncRead;
use futures_lite::future::block_on;

/// Gives one byte at a time, and is pending before each of them.
struct Dribble {
    bytes: Vec<u8>,
    is_due: bool,
}

impl AsyncRead for Dribble {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.is_due = !self.is_due;
        if self.is_due {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.bytes.is_empty() || buffer.is_empty() {
            return Poll::Ready(Ok(0));
        }
        buffer[0] = self.bytes.remove(0);
        Poll::Ready(Ok(1))
    }
}

fn frames(bytes: &[u8]) -> (Vec<Vec<u8>>, Option<ErrorKind>) {
    let mut reader = Dribble { bytes: bytes.to_vec(), is_due: false };
    let mut frames = Vec::new();
    loop {
        match block_on(read_frame(&mut reader, 100)) {
            Ok(Some(frame)) => frames.push(frame),
            Ok(None) => return (frames, None),
            Err(error) => return (frames, Some(error.kind())),
        }
    }
}

#[test]
fn messages_come_out_as_they_went_in_whatever_the_pieces() {
    let (found, error) = frames(b"\0\0\0\x05wheel\0\0\0\0\0\0\0\x01!");
    assert_eq!(error, None);
    assert_eq!(found, [b"wheel".to_vec(), b"".to_vec(), b"!".to_vec()]);
}

#[test]
fn an_end_in_the_middle_is_an_error_and_an_end_between_is_none() {
    assert_eq!(frames(b""), (vec![], None));
    for cut in [&b"\0"[..], b"\0\0\0", b"\0\0\0\x05", b"\0\0\0\x05whee"] {
        assert_eq!(frames(cut), (vec![], Some(ErrorKind::UnexpectedEof)), "{cut:?}");
    }
}

#[test]
fn whoever_announces_too_much_is_refused_before_anything_is_read() {
    assert_eq!(frames(b"\0\0\0\x65").1, Some(ErrorKind::InvalidData));
    assert_eq!(frames(b"\xff\xff\xff\xff").1, Some(ErrorKind::InvalidData));
}
