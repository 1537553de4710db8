//! Connections that go on with another protocol, such as a WebSocket.

use super::headers::Headers;
use super::LocalReply;

/// Whether the headers of a request have to be read to know what `is_requested` says. `header`
/// returns the first value of one header; most requests have none that matters here.
pub fn is_possible<E>(
    mut header: impl FnMut(&'static str) -> Result<Option<Vec<u8>>, E>,
) -> Result<bool, E> {
    Ok(header(":method")?.as_deref() == Some(b"CONNECT") || header("upgrade")?.is_some())
}

/// Whether the client asks for another protocol. Envoy shows a request in HTTP/2 like one in
/// HTTP/1.1, and drops both headers from any other request (RFC 9110, section 7.8).
pub fn is_requested(request: &Headers) -> bool {
    let is_upgrade = |option: &[u8]| option.trim_ascii().eq_ignore_ascii_case(b"upgrade");
    let mut options = request
        .values("connection")
        .flat_map(|v| v.split(|c| *c == b','));
    is_tunnel(request) || request.text("upgrade").is_some() && options.any(is_upgrade)
}

/// Whether the upstream agrees to what the request asked for.
pub fn is_accepted(request_is_tunnel: bool, response: &Headers) -> bool {
    let status = response.text(":status").unwrap_or_default();
    status == "101" || request_is_tunnel && status.starts_with('2')
}

pub fn is_tunnel(request: &Headers) -> bool {
    request.text(":method") == Some("CONNECT")
}

/// The answer of an extension that must not let anything pass unseen. The status is the one that
/// RFC 6455, section 4.2.2, proposes and that Envoy has for routes without upgrades; the body is
/// as in RFC 9457.
pub fn refusal() -> LocalReply {
    LocalReply {
        status: 403,
        headers: vec![(
            "content-type".to_owned(),
            "application/problem+json".to_owned(),
        )],
        body: concat!(
            r#"{"type":"about:blank","title":"Forbidden","status":403,"detail":"#,
            r#""This route does not let connections be upgraded: "#,
            r#"what they carry could not be checked."}"#,
            "\n"
        )
        .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::headers;
    use super::*;

    #[test]
    fn both_headers_ask_for_an_upgrade() {
        let is = |lines: &[(&str, &str)]| is_requested(&headers(lines));
        let websocket = ("upgrade", "websocket");
        assert!(is(&[("connection", "Upgrade"), websocket]));
        assert!(is(&[("connection", "keep-alive, upgrade"), websocket]));
        assert!(is(&[
            ("connection", "a"),
            ("connection", "upgrade"),
            websocket
        ]));
        assert!(is(&[(":method", "CONNECT")]));
        assert!(!is(&[websocket]));
        assert!(!is(&[("connection", "upgrade")]));
        assert!(!is(&[("connection", "upgrades, x-upgrade"), websocket]));
    }

    #[test]
    fn the_refusal_is_a_problem_in_json() {
        let reply = refusal();
        let problem: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
        assert_eq!(problem["status"], reply.status);
    }
}
