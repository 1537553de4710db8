//! A reader may not read a text as it came: a form is percent-decoded, a JSON string has escapes, a
//! text can be UTF-16. Which it is depends on the reader and not on what the sender claims, so a
//! text is looked at in every reading that its bytes allow. docs/purpose.md lists them.

use super::scanner::{Scanner, Work};

/// Takes one character off the beginning of a text. Returns the character, `OTHER` for all that are
/// not ASCII, and how many bytes it took; None if more of the text is needed, which is never so at
/// its end.
type Decoder = fn(text: &[u8], end: bool) -> Option<(u8, usize)>;

/// Stands for a character that is not ASCII.
pub const OTHER: u8 = 0xff;

/// One way to read a text.
struct Kind {
    name: &'static str,
    decode: Decoder,
    /// The bytes without which the text stays as it is. Until one of them comes, the reading is not
    /// worth its time.
    wakes: &'static [u8],
    /// Without these bytes nothing at all can be read.
    blank: bool,
    /// The ways to read what has been read so.
    inside: &'static [&'static Kind],
}

static JSON_STRING: Kind = Kind {
    name: "json",
    decode: unescape,
    wakes: b"\\",
    blank: false,
    inside: &[],
};
/// Also wakes on the first bytes of overlong UTF-8.
static URL_NESTED: Kind = Kind {
    name: "nested",
    decode: percent_deep,
    wakes: b"%\xc0\xc1\xe0\xf0\xf8\xfc",
    blank: false,
    inside: &[],
};
static URL_ENCODED: Kind = Kind {
    name: "form",
    decode: percent_once,
    wakes: b"%+\xc0\xc1\xe0\xf0\xf8\xfc",
    blank: false,
    inside: &[&JSON_STRING, &URL_NESTED],
};
static WIDE_LITTLE: Kind = Kind {
    name: "little-endian",
    decode: little_endian,
    wakes: b"\0",
    blank: true,
    inside: &[&URL_ENCODED, &JSON_STRING],
};
static WIDE_BIG: Kind = Kind {
    name: "big-endian",
    decode: big_endian,
    wakes: b"\0",
    blank: true,
    inside: &[&URL_ENCODED, &JSON_STRING],
};
static AS_IT_CAME: Kind = Kind {
    name: "as it came",
    decode: |text, _| text.first().map(|&byte| (byte, 1)),
    wakes: b"",
    blank: false,
    inside: &[&URL_ENCODED, &JSON_STRING, &WIDE_LITTLE, &WIDE_BIG],
};

/// What is known of hexadecimal digits.
enum Hex {
    Value(u32),
    Wrong,
    CutOff,
}

fn hex_at(text: &[u8], at: usize, digits: usize) -> Hex {
    let mut value = 0;
    for at in at..at + digits {
        let Some(&byte) = text.get(at) else {
            return Hex::CutOff;
        };
        match char::from(byte).to_digit(16) {
            Some(digit) => value = value << 4 | digit,
            None => return Hex::Wrong,
        }
    }
    Hex::Value(value)
}

/// Reads an escape with its digits at a place. What is none stands for itself.
fn escape(text: &[u8], at: usize, digits: usize, end: bool) -> Option<(u8, usize)> {
    match hex_at(text, at, digits) {
        Hex::CutOff if !end => None,
        Hex::CutOff | Hex::Wrong => text.first().map(|&byte| (byte, 1)),
        Hex::Value(value) => {
            let ascii_only = digits == 4 && value > 0x7f;
            let char = match ascii_only {
                true => OTHER,
                false => u8::try_from(value).unwrap_or(OTHER),
            };
            Some((char, at + digits))
        }
    }
}

/// Takes percent-encoding off once, and reads `+` as a blank: a form or a query (URL Standard).
/// `%uHHHH` is an old writing that some servers read.
fn percent_once(text: &[u8], end: bool) -> Option<(u8, usize)> {
    match text.first() {
        Some(b'+') => Some((b' ', 1)),
        _ => percent(text, end),
    }
}

fn percent(text: &[u8], end: bool) -> Option<(u8, usize)> {
    match (text.first()?, text.get(1)) {
        (b'%', Some(b'u' | b'U')) => escape(text, 2, 4, end),
        (b'%', _) => escape(text, 1, 2, end),
        (&byte, _) => Some((byte, 1)),
    }
}

/// Bounds how much of `%2525…` is one character.
const MAX_NESTED: usize = 128;

/// Takes off percent-encoding that was put on several times (`%2534`), and reads overlong UTF-8 as
/// what it stands for. RFC 3629 forbids that, and some servers do it.
fn percent_deep(text: &[u8], end: bool) -> Option<(u8, usize)> {
    let (first, taken) = percent_nested(text, end)?;
    let (more, mut value) = match first {
        0xc0 | 0xc1 => (1, u32::from(first & 1)),
        0xe0 => (2, 0),
        0xf0 => (3, 0),
        0xf8 => (4, 0),
        0xfc => (5, 0),
        _ => return Some((first, taken)),
    };
    let mut all = taken;
    for _ in 0..more {
        let rest = text.get(all..).unwrap_or_default();
        if rest.is_empty() {
            return end.then_some((first, taken));
        }
        let (next, length) = percent_nested(rest, end)?;
        if next & 0xc0 != 0x80 {
            return Some((first, taken));
        }
        value = value << 6 | u32::from(next & 0x3f);
        all += length;
    }
    match u8::try_from(value) {
        Ok(char) if char.is_ascii() => Some((char, all)),
        _ => Some((first, taken)),
    }
}

/// Reads `%34`, `%2534`, `%252534` and so on as the same.
fn percent_nested(text: &[u8], end: bool) -> Option<(u8, usize)> {
    let (mut char, mut taken) = percent(text, end)?;
    while taken > 1 && taken < MAX_NESTED && char == b'%' {
        match hex_at(text, taken, 2) {
            Hex::CutOff if !end => return None,
            Hex::CutOff | Hex::Wrong => break,
            Hex::Value(value) => {
                char = u8::try_from(value).unwrap_or(OTHER);
                taken += 2;
            }
        }
    }
    Some((char, taken))
}

/// Reads the escapes of JSON strings (RFC 8259), and `\x34` of JavaScript.
fn unescape(text: &[u8], end: bool) -> Option<(u8, usize)> {
    let (&first, next) = (text.first()?, text.get(1));
    if first != b'\\' {
        return Some((first, 1));
    }
    match next {
        None => end.then_some((first, 1)),
        Some(b'u') => escape(text, 2, 4, end),
        Some(b'x') => escape(text, 2, 2, end),
        Some(b'n') => Some((b'\n', 2)),
        Some(b'r') => Some((b'\r', 2)),
        Some(b't') => Some((b'\t', 2)),
        Some(b'b') => Some((0x08, 2)),
        Some(b'f') => Some((0x0c, 2)),
        Some(&same @ (b'"' | b'\'' | b'\\' | b'/')) => Some((same, 2)),
        Some(_) => Some((first, 1)),
    }
}

/// Reads ASCII in UTF-16LE and UTF-32LE, whatever is around it, with or without a byte order mark,
/// and wherever in the text it begins.
fn little_endian(text: &[u8], end: bool) -> Option<(u8, usize)> {
    let (&first, rest) = text.split_first()?;
    if first == 0 {
        return Some((OTHER, 1));
    }
    let zeros = rest.iter().take(3).take_while(|&&byte| byte == 0).count();
    match zeros {
        3 => Some((first, 4)),
        _ if zeros == rest.len() && !end => None,
        0 => Some((OTHER, 1)),
        _ => Some((first, 2)),
    }
}

/// The same for UTF-16BE and UTF-32BE.
fn big_endian(text: &[u8], end: bool) -> Option<(u8, usize)> {
    let zeros = text.iter().take(4).take_while(|&&byte| byte == 0).count();
    match text.get(zeros) {
        None if zeros < 4 && !end => None,
        Some(&char) if zeros == 1 || zeros == 3 => Some((char, zeros + 1)),
        _ => Some((OTHER, 1)),
    }
}

/// A text, read in one way, while it comes in pieces.
#[derive(Clone)]
pub struct Reading {
    kind: &'static Kind,
    /// None while it sleeps.
    scanner: Option<Scanner>,
    /// What could not be decoded yet, and where its bytes end in the source.
    text: Vec<u8>,
    ends: Vec<usize>,
    inside: Vec<Reading>,
}

impl Default for Reading {
    /// A text as it came.
    fn default() -> Self {
        Reading::new(&AS_IT_CAME, Some(Scanner::default()))
    }
}

impl Reading {
    fn new(kind: &'static Kind, scanner: Option<Scanner>) -> Self {
        Reading {
            kind,
            scanner,
            text: Vec::new(),
            ends: Vec::new(),
            inside: kind
                .inside
                .iter()
                .map(|kind| Reading::new(kind, None))
                .collect(),
        }
    }

    /// Calls a function for every reading that is awake.
    pub fn each(&self, f: &mut dyn FnMut(&Scanner)) {
        if let Some(scanner) = &self.scanner {
            f(scanner);
            for inner in &self.inside {
                inner.each(f);
            }
        }
    }

    /// Reads the next piece of the text that this is a reading of: its characters, and where each
    /// ends in the source. Returns whether something was found that is to be blocked.
    pub fn take(&mut self, text: &[u8], ends: &[usize], work: &mut Work) -> bool {
        let Some(scanner) = &mut self.scanner else {
            return false;
        };
        for index in 0..self.inside.len() {
            let Some(inner) = self.inside.get(index) else {
                continue;
            };
            let wakes = inner.kind.wakes;
            if inner.scanner.is_none() && text.iter().any(|byte| wakes.contains(byte)) {
                let woken = woken(inner.kind, scanner, &self.inside);
                if let Some(inner) = self.inside.get_mut(index) {
                    *inner = woken;
                }
            }
        }
        let mut blocked = scanner.feed(text, ends, work);
        for inner in &mut self.inside {
            blocked |= inner.scanner.is_some() && inner.read(text, ends, work);
        }
        blocked
    }

    fn read(&mut self, text: &[u8], ends: &[usize], work: &mut Work) -> bool {
        self.text.extend_from_slice(text);
        self.ends.extend_from_slice(ends);
        let (mut chars, mut char_ends) = (Vec::new(), Vec::new());
        let mut done = 0;
        while let Some((char, taken)) = self
            .text
            .get(done..)
            .filter(|rest| !rest.is_empty())
            .and_then(|rest| (self.kind.decode)(rest, work.settle))
        {
            done += taken;
            chars.push(char);
            char_ends.extend(self.ends.get(done - 1));
        }
        self.text.drain(..done);
        self.ends.drain(..done);
        self.take(&chars, &char_ends, work)
    }
}

/// A reading that begins. Up to here it would have been the same as the one that it is inside of,
/// or blank.
fn woken(kind: &'static Kind, outer: &Scanner, siblings: &[Reading]) -> Reading {
    let mut woken = Reading::new(kind, None);
    let mut scanner = outer.clone();
    if kind.blank {
        (woken.text, woken.ends) = scanner.forget_chars();
    } else {
        for inner in &mut woken.inside {
            let same = siblings
                .iter()
                .find(|same| same.kind.name == inner.kind.name && same.scanner.is_some());
            if let Some(same) = same {
                *inner = same.clone();
            }
        }
    }
    woken.scanner = Some(scanner);
    woken
}

#[cfg(test)]
pub mod tests {
    use proptest::prelude::*;

    use super::super::detectors;
    use super::super::scanner::{Action, Inspector, Rule};

    fn each_byte(text: &str, write: impl Fn(u8) -> Vec<u8>) -> Vec<u8> {
        text.bytes().flat_map(write).collect()
    }

    pub fn percent(text: &[u8]) -> Vec<u8> {
        text.iter()
            .flat_map(|byte| format!("%{byte:02x}").into_bytes())
            .collect()
    }

    pub fn json(text: &str) -> Vec<u8> {
        each_byte(text, |byte| format!("\\u{byte:04X}").into_bytes())
    }

    pub fn little(text: &[u8]) -> Vec<u8> {
        text.iter().flat_map(|&byte| [byte, 0]).collect()
    }

    pub fn big(text: &[u8]) -> Vec<u8> {
        text.iter().flat_map(|&byte| [0, byte]).collect()
    }

    fn overlong(text: &str) -> Vec<u8> {
        each_byte(text, |byte| vec![0xc0 | byte >> 6, 0x80 | byte & 0x3f])
    }

    /// Ways to write an ASCII text.
    fn writings(text: &str) -> Vec<Vec<u8>> {
        vec![
            text.as_bytes().to_vec(),
            percent(text.as_bytes()),
            percent(&percent(text.as_bytes())),
            each_byte(text, |byte| format!("%2525{byte:02x}").into_bytes()),
            each_byte(text, |byte| format!("%u{byte:04x}").into_bytes()),
            json(text),
            percent(&json(text)),
            each_byte(text, |byte| format!("\\x{byte:02x}").into_bytes()),
            little(text.as_bytes()),
            big(text.as_bytes()),
            each_byte(text, |byte| vec![byte, 0, 0, 0]),
            each_byte(text, |byte| vec![0, 0, 0, byte]),
            little(&json(text)),
            big(&percent(text.as_bytes())),
            percent(&overlong(text)),
        ]
    }

    fn rules(action: Action, attacks: bool) -> Vec<Rule> {
        let detectors = match attacks {
            true => vec![detectors::sql_injection(), detectors::path_traversal()],
            false => vec![detectors::cards(0), detectors::credentials()],
        };
        let rule = |detector| Rule { detector, action };
        detectors.into_iter().map(rule).collect()
    }

    /// Each writing is cut in two at every place.
    #[test]
    fn every_writing_is_read_however_it_is_cut() {
        let rules = rules(Action::Mask, false);
        for text in ["4111111111111111", "AKIAIOSFODNN7EXAMPLE"] {
            let writings = writings(text).into_iter();
            let around = super::tests::writings("2(")
                .into_iter()
                .zip(super::tests::writings(") "));
            for (written, (before, after)) in writings.zip(around) {
                let whole = [before.as_slice(), &written, &after].concat();
                let hidden = written.iter().map(|&byte| if byte == 0 { 0 } else { b'*' });
                let expected = [before.as_slice(), &hidden.collect::<Vec<u8>>(), &after].concat();
                for cut in 0..=whole.len() {
                    let mut inspector = Inspector::default();
                    let (first, second) = whole.split_at(cut);
                    let mut out = inspector.feed(&rules, b'*', first, false).0;
                    out.extend(inspector.feed(&rules, b'*', second, true).0);
                    assert_eq!(out, expected, "{whole:?} cut at {cut}");
                    assert_eq!(inspector.found().iter().sum::<usize>(), 1);
                }
            }
        }
    }

    fn is_blocked(text: &[u8]) -> bool {
        let rules = rules(Action::Block, true);
        Inspector::default().feed(&rules, b'*', text, true).1
    }

    #[test]
    fn attacks_are_found_in_every_writing() {
        for text in ["x' or 'a'='a", "a/../../b", "/etc/passwd"] {
            for written in writings(text) {
                assert!(is_blocked(&written), "{written:?}");
            }
        }
        for text in [
            b"/%c0%ae%c0%ae%c0%af".as_slice(),
            b"/%e0%80%ae%e0%80%ae%e0%80%af",
            b"/%f0%80%80%ae./",
            b"/%fc%80%80%80%80%ae./",
            b"/\xc0\xae\xc0\xae/",
            b"{\"a\":\"..\\/..\\/\"}",
            b"/%25c0%25ae./",
            b"%2e%2e/",
            b"..%c1%9c",
        ] {
            assert!(is_blocked(text), "{text:?}");
        }
        for text in [
            b"100% of it".as_slice(),
            b"a+b %",
            b"c:\\new \\",
            b"caf\xc3\xa9 \xe0\xa4\x84",
            b"%u",
            b"%25",
            b"\0\0\0\0\0",
            b"%c0 %e0%80",
            b"\\u12",
        ] {
            assert!(!is_blocked(text), "{text:?}");
        }
    }

    #[test]
    fn what_stands_before_in_one_reading_does_not_hide_it_in_another() {
        let rules = rules(Action::Mask, false);
        let card = little(b"4111111111111111");
        for (text, expected) in [
            (
                b"4111111111111111%41".to_vec(),
                b"****************%41".to_vec(),
            ),
            (
                b"4111111111111111\\u0041".to_vec(),
                b"****************\\u0041".to_vec(),
            ),
            (
                b"%41 %34111111111111111".to_vec(),
                b"%41 ******************".to_vec(),
            ),
            (
                [b"AN".to_vec(), card].concat(),
                [b"AN".to_vec(), b"*\0".repeat(16)].concat(),
            ),
        ] {
            let (out, _) = Inspector::default().feed(&rules, b'*', &text, true);
            assert_eq!(out, expected);
        }
    }

    proptest! {
        /// Nothing that comes makes the filter fail, and lengths stay.
        #[test]
        fn any_bytes_can_be_read(text in prop::collection::vec(prop_oneof![
            Just(b'%'), Just(b'\\'), Just(0u8), Just(b'u'), Just(b'2'), Just(b'5'), Just(0xc0u8), any::<u8>(),
        ], 0..300)) {
            let rules = rules(Action::Mask, false);
            let (out, _) = Inspector::default().feed(&rules, b'*', &text, true);
            prop_assert_eq!(out.len(), text.len());
        }
    }
}
