//! The answer to a request that is refused, with problem details as in RFC 9457.

use crate::filter::LocalReply;

/// Why a request does not go on. It has nothing of the request.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    status: u32,
    title: &'static str,
    detail: &'static str,
}

pub const UNAVAILABLE: Refusal = Refusal {
    status: 503,
    title: "Service Unavailable",
    detail: "Authentication is not available at the moment.",
};

pub const fn unauthorized(detail: &'static str) -> Refusal {
    Refusal {
        status: 401,
        title: "Unauthorized",
        detail,
    }
}

impl Refusal {
    pub fn reply(&self, scheme: &str, realm: &str) -> LocalReply {
        let Refusal {
            status,
            title,
            detail,
        } = self;
        let mut headers = vec![(
            "content-type".to_owned(),
            "application/problem+json".to_owned(),
        )];
        if *status == 401 {
            let challenge = format!("{scheme} realm=\"{realm}\"");
            headers.push(("www-authenticate".to_owned(), challenge));
        }
        LocalReply {
            status: *status,
            headers,
            // The texts are ours and have nothing to escape.
            body: format!(
                r#"{{"type":"about:blank","title":"{title}","status":{status},"detail":"{detail}"}}"#
            ),
        }
    }
}
