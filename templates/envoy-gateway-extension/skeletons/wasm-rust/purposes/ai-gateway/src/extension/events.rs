//! Reads a stream of server-sent events that comes in pieces, and takes out the event that only the
//! extension asked for. Every other event goes on as soon as it is complete.

use std::mem;

use serde_json::Value;

use super::estimate::Estimate;
use super::usage::Usage;

/// Bounds what is kept of an event. A longer one goes by unread.
const MAX_EVENT_BYTES: usize = 1 << 20;

#[derive(Default)]
pub struct EventReader {
    hides: bool,
    last: Option<Usage>,
    /// As far as it is here.
    event: Vec<u8>,
    /// The line has at least one character.
    in_line: bool,
    /// A line feed would still belong to the line end.
    after_cr: bool,
    too_long: bool,
    /// The event before was taken out.
    hidden: bool,
    /// An event has ended.
    begun: bool,
    /// What went by.
    pub estimate: Estimate,
}

impl EventReader {
    pub fn new(hides: bool) -> Self {
        EventReader {
            hides,
            ..EventReader::default()
        }
    }

    /// What was said last.
    pub fn usage(&self) -> Option<Usage> {
        self.last
    }

    /// What goes on of this piece and of what was kept back.
    pub fn write(&mut self, piece: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(piece.len());
        for &c in piece {
            self.next(&mut out, c);
        }
        out
    }

    /// The end of an event, or of the stream.
    pub fn finish(&mut self) -> Vec<u8> {
        let event = mem::take(&mut self.event);
        self.hidden = !self.too_long && self.read(&event) && self.hides;
        self.too_long = false;
        self.begun = true;
        match self.hidden {
            true => Vec::new(),
            false => event,
        }
    }

    fn next(&mut self, out: &mut Vec<u8>, c: u8) {
        if c == b'\n' && self.after_cr {
            self.after_cr = false;
            if !self.event.is_empty() {
                self.event.push(c);
            } else if !self.hidden {
                out.push(c); // the event has gone on, or goes by
            }
            return;
        }
        self.after_cr = c == b'\r';
        match self.too_long {
            true => {
                out.push(c);
                self.estimate.answer += 1;
            }
            false => self.event.push(c),
        }
        if c != b'\n' && c != b'\r' {
            self.in_line = true;
            if self.event.len() > MAX_EVENT_BYTES {
                self.estimate.answer += self.event.len() as u64;
                out.append(&mut self.event);
                self.too_long = true;
                self.hidden = false;
            }
        } else if self.in_line {
            self.in_line = false;
        } else {
            out.extend(self.finish());
        }
    }

    /// Notes the usage of an event, and tells whether it says nothing else.
    fn read(&mut self, event: &[u8]) -> bool {
        // A stream may begin with a byte order mark (WHATWG HTML, 9.2.5).
        let event = match self.begun {
            false => event.strip_prefix(b"\xef\xbb\xbf").unwrap_or(event),
            true => event,
        };
        let Ok(value) = serde_json::from_slice::<Value>(&data(event)) else {
            return false;
        };
        self.estimate.event(&value);
        let own = value.get("usage").filter(|usage| !usage.is_null());
        let said = own.or_else(|| value.get("response")?.get("usage"));
        self.last = said.and_then(Usage::parse).or(self.last);
        let no_choices = value
            .get("choices")
            .and_then(Value::as_array)
            .is_some_and(Vec::is_empty);
        no_choices && own.is_some_and(Value::is_object)
    }
}

/// The data lines of an event, joined.
fn data(event: &[u8]) -> Vec<u8> {
    let lines: Vec<&[u8]> = event
        .split(|c| matches!(c, b'\r' | b'\n'))
        .filter_map(|line| line.strip_prefix(b"data:"))
        .map(|rest| rest.strip_prefix(b" ").unwrap_or(rest))
        .collect();
    lines.join(&b'\n')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An event goes on before the next one is there.
    #[test]
    fn nothing_is_held_back() {
        let mut reader = EventReader::new(true);
        for (piece, expected) in [
            (
                "data: {\"choices\":[{}]}\r\n\r\n",
                "data: {\"choices\":[{}]}\r\n\r\n",
            ),
            ("data: {\"choices\":[{}]}\n", ""),
            ("\ndata: ", "data: {\"choices\":[{}]}\n\n"),
            ("{\"choices\":[],\"usage\":{\"total_tokens\":7}}\r\n\r", ""),
            ("\n", ""),
            ("data: [DONE]\n\n", "data: [DONE]\n\n"),
        ] {
            assert_eq!(
                reader.write(piece.as_bytes()),
                expected.as_bytes(),
                "{piece:?}"
            );
        }
        assert_eq!(reader.finish(), b"");
        assert_eq!(reader.usage(), Some(Usage { total: 7 }));
    }

    #[test]
    fn usage_is_found_in_data() {
        for (stream, expected) in [
            (
                "data: {\"usage\":{\"total_tokens\":1}}\n\ndata: {\"usage\":{\"total_tokens\":2}}\n\n",
                Some(2),
            ),
            ("data:{\ndata: \"usage\":\r\ndata:{\"total_tokens\":5}}\n\n", Some(5)),
            (
                "event: x\ndata: {\"response\":{\"usage\":{\"input_tokens\":5,\"output_tokens\":6}}}\n\n",
                Some(11),
            ),
            ("data: {\"usage\":{\"total_tokens\":5}}", Some(5)),
            ("\u{feff}data: {\"usage\":{\"total_tokens\":5}}\n\n", Some(5)),
            ("data: {\"usage\":null}\n\n: {\"usage\":{\"total_tokens\":5}}\n\n", None),
            ("", None),
        ] {
            let mut reader = EventReader::new(false);
            let mut shown = reader.write(stream.as_bytes());
            shown.extend(reader.finish());
            assert_eq!(shown, stream.as_bytes());
            assert_eq!(reader.usage().map(|usage| usage.total), expected, "{stream:?}");
        }
    }

    #[test]
    fn a_long_event_goes_by_unread() {
        let long = "x".repeat(MAX_EVENT_BYTES);
        let event = format!(
            "data: {{\"choices\":[],\"usage\":{{\"total_tokens\":1}},\"a\":\"{long}\"}}\r\n\r\n"
        );
        let mut reader = EventReader::new(true);
        assert_eq!(reader.write(event.as_bytes()), event.as_bytes());
        assert_eq!(reader.usage(), None);
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(
            parts in prop::collection::vec(prop::sample::select(vec![
                "\n", "\r", "\r\n", "\n\n", "data: ", "{\"choices\":[],\"usage\":{\"total_tokens\":5}}", "[DONE]", "x",
            ]), 0..20),
            size in 1..9_usize,
        ) {
            let text = parts.concat();
            for hides in [false, true] {
                let mut whole = EventReader::new(hides);
                let mut expected = whole.write(text.as_bytes());
                expected.extend(whole.finish());
                let mut reader = EventReader::new(hides);
                let mut shown = Vec::new();
                for piece in text.as_bytes().chunks(size) {
                    shown.extend(reader.write(piece));
                }
                shown.extend(reader.finish());
                prop_assert_eq!(&shown, &expected);
                prop_assert_eq!(reader.usage(), whole.usage());
                if !hides {
                    prop_assert_eq!(shown, text.as_bytes());
                }
            }
        }
    }
}
