//! `http`: a status page for people, and the same for Prometheus, on hyper.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use waterwheel::daemon::{BoxError, Daemon};
use waterwheel::net::TcpListener;
use waterwheel::sync::CancellationToken;
use waterwheel::{Handle, Priority};
use waterwheel_adapters::hyper::serve;

use crate::host::bind;
use crate::shared::Shared;
use crate::{metrics_text, page};

const HTML: &str = "text/html; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";
/// What Prometheus asks for.
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";

pub struct Http {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// Bound once, so that a restart keeps the port.
    listener: OnceLock<TcpListener>,
}

impl Http {
    pub fn new(address: SocketAddr, shared: Arc<Shared>) -> Self {
        Self { address, shared, listener: OnceLock::new() }
    }
}

impl Daemon for Http {
    fn name(&self) -> &str {
        "http"
    }

    fn priority(&self) -> Priority {
        self.shared.lanes.urgent()
    }

    async fn prepare(&self) -> Result<(), BoxError> {
        let listener = bind(self.address).await?;
        self.shared.announce(&format!("status page: http://{}/", listener.local_addr()?));
        self.listener.get_or_init(|| listener);
        Ok(())
    }

    async fn run(&self, shutdown: CancellationToken) -> Result<(), BoxError> {
        let listener = self.listener.get().ok_or("http has not been prepared")?;
        let shared = Arc::clone(&self.shared);
        let service = service_fn(move |request| {
            let response = answer(&shared, &request);
            async { Ok::<_, Infallible>(response) }
        });
        serve(listener, service, self.priority(), &shutdown).await;
        Ok(())
    }
}

fn answer(shared: &Shared, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    shared.http_requests.add(1);
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        let mut refusal = respond(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET\n".to_owned());
        refusal.headers_mut().insert(ALLOW, hyper::header::HeaderValue::from_static("GET, HEAD"));
        return refusal;
    }
    let metrics = || Handle::current().metrics();
    match request.uri().path() {
        "/" => respond(StatusCode::OK, HTML, page::render(shared, &metrics())),
        "/metrics" => respond(StatusCode::OK, EXPOSITION, metrics_text::render(shared, &metrics())),
        _ => respond(StatusCode::NOT_FOUND, TEXT, "there are / and /metrics\n".to_owned()),
    }
}

fn respond(status: StatusCode, content: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(content));
    headers.insert(CACHE_CONTROL, hyper::header::HeaderValue::from_static("no-store"));
    response
}
