//! Connects Envoy's Wasm filter to the extension. There is no logic here: it is in `extension.rs`.
//!
//! Envoy creates one root context for each plugin in the VM and one HTTP context for each stream.

mod extension;
mod filter;

use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType, LogLevel};

use extension::Extension;
use filter::envoy::{self, Envoy};
use filter::stream::Stream;
use filter::{Direction, HttpExtension};

proxy_wasm::main! {{
    // Envoy drops what its own log level for `wasm` does not show.
    proxy_wasm::set_log_level(LogLevel::Trace);
    proxy_wasm::set_root_context(|_| Box::new(Root { extension: None }));
}}

struct Root {
    extension: Option<Rc<Extension>>,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _size: usize) -> bool {
        let configured = envoy::plugin_configuration()
            .map_err(|error| error.to_string())
            .and_then(|text| Extension::from_config(&text).map_err(|error| error.to_string()));
        match configured {
            Ok(extension) => {
                self.extension = Some(Rc::new(extension));
                true
            }
            Err(message) => {
                envoy::log(LogLevel::Critical, &message);
                // Envoy does not run this plugin: requests fail, unless the policy says failOpen.
                false
            }
        }
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _context_id: u32) -> Option<Box<dyn HttpContext>> {
        // None only before on_configure has succeeded, when Envoy creates no streams.
        let extension = self.extension.clone()?;
        Some(Box::new(Http(Stream::new(Envoy, extension))))
    }
}

struct Http(Stream<Envoy, Extension>);

impl Context for Http {}

impl HttpContext for Http {
    fn on_http_request_headers(&mut self, _count: usize, end_of_stream: bool) -> Action {
        self.0.on_headers(Direction::Request, end_of_stream)
    }

    fn on_http_request_body(&mut self, _size: usize, end_of_stream: bool) -> Action {
        self.0.on_body(Direction::Request, end_of_stream)
    }

    fn on_http_request_trailers(&mut self, _count: usize) -> Action {
        self.0.on_trailers(Direction::Request)
    }

    fn on_http_response_headers(&mut self, _count: usize, end_of_stream: bool) -> Action {
        self.0.on_headers(Direction::Response, end_of_stream)
    }

    fn on_http_response_body(&mut self, _size: usize, end_of_stream: bool) -> Action {
        self.0.on_body(Direction::Response, end_of_stream)
    }

    fn on_http_response_trailers(&mut self, _count: usize) -> Action {
        self.0.on_trailers(Direction::Response)
    }

    // Envoy calls this once, when the stream is over however it ended.
    fn on_log(&mut self) {
        self.0.on_end();
    }
}
