//! Waterwheel as the top of the ladder, in its default layout: at least one worker for lane High.
//!
//! Book: chapter 12.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use futures_lite::{AsyncReadExt, AsyncWriteExt};
use waterwheel::{Runtime, Task};

use super::Rung;

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Ours(Arc<Runtime>);

impl Rung for Ours {
    type Task<T: Send + 'static> = Task<T>;

    const NAME: &'static str = "waterwheel";

    fn start(workers: usize) -> Self {
        let high = (workers / 4).max(1).min(workers - 1);
        let builder = Runtime::builder().with_high_num(high).with_low_num(workers - high);
        Self(Arc::new(builder.build().expect("the workers can be started")))
    }

    fn spawn<F>(&self, future: F) -> Self::Task<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.0.handle().spawn(future)
    }

    fn detach<T: Send + 'static>(task: Self::Task<T>) {
        task.detach();
    }

    fn stop(self) {
        self.0.shutdown(Duration::ZERO).expect("no task blocks its worker");
    }

    fn serve(
        &self,
        stream: TcpStream,
        mut then: impl FnMut() + Send + 'static,
    ) -> Option<Self::Task<io::Result<usize>>> {
        Some(self.spawn(async move {
            let mut stream = waterwheel::net::TcpStream::from_std(stream)?;
            let (mut buffer, mut bytes) = ([0; 1024], 0);
            loop {
                let count = stream.read(&mut buffer).await?;
                if count == 0 {
                    return Ok(bytes);
                }
                then();
                stream.write_all(&buffer[..count]).await?;
                bytes += count;
            }
        }))
    }
}
