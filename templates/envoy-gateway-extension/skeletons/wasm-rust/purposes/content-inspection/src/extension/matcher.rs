//! What the detectors are written with.
//!
//! A matcher tells where a match that begins at a place of a text ends. It may look at the two
//! bytes before, and never beyond the end of the text. Matchers never go back, so that they take
//! linear time: what a run has taken it does not give up again.

pub type Matcher = Box<dyn Fn(&[u8], usize) -> Option<usize>>;

/// A set of bytes.
pub type Class = fn(u8) -> bool;

pub fn digit(byte: u8) -> bool {
    byte.is_ascii_digit()
}

pub fn letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic()
}

pub fn alphanumeric(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

pub fn word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// A byte of a base64url text.
pub fn token(byte: u8) -> bool {
    word(byte) || byte == b'-'
}

/// Whether a byte of the class stands there.
pub fn is(class: Class, text: &[u8], at: usize) -> bool {
    text.get(at).is_some_and(|&byte| class(byte))
}

/// Whether a byte of the class stands `back` bytes before.
pub fn is_before(class: Class, text: &[u8], at: usize, back: usize) -> bool {
    at.checked_sub(back).is_some_and(|at| is(class, text, at))
}

pub fn starts_with(text: &[u8], at: usize, wanted: &str) -> bool {
    text.get(at..at + wanted.len()) == Some(wanted.as_bytes())
}

/// Matches one part after the other.
pub fn sequence<const N: usize>(parts: [Matcher; N]) -> Matcher {
    Box::new(move |text, at| parts.iter().try_fold(at, |at, part| part(text, at)))
}

/// Matches the first of the texts that is there.
pub fn one_of(texts: &'static [&'static str]) -> Matcher {
    Box::new(|text, at| {
        let found = texts.iter().find(|wanted| starts_with(text, at, wanted))?;
        Some(at + found.len())
    })
}

/// `one_of`, whatever the case of ASCII letters.
pub fn any_case(texts: &'static [&'static str]) -> Matcher {
    Box::new(|text, at| {
        let found = texts.iter().find(|wanted| {
            text.get(at..at + wanted.len())
                .is_some_and(|found| found.eq_ignore_ascii_case(wanted.as_bytes()))
        })?;
        Some(at + found.len())
    })
}

/// Matches nothing where the matcher does not match.
pub fn optional(matcher: Matcher) -> Matcher {
    Box::new(move |text, at| matcher(text, at).or(Some(at)))
}

/// Matches as many bytes of the class as there are, up to `most`.
pub fn run(class: Class, least: usize, most: usize) -> Matcher {
    Box::new(move |text, at| {
        let count = (at..at + most)
            .take_while(|&at| is(class, text, at))
            .count();
        (count >= least).then_some(at + count)
    })
}

/// Matches as often as it can, up to `most`.
pub fn times(matcher: Matcher, least: usize, most: usize) -> Matcher {
    Box::new(move |text, mut at| {
        let mut count = 0;
        while count < most {
            let Some(end) = matcher(text, at) else { break };
            at = end;
            count += 1;
        }
        (count >= least).then_some(at)
    })
}

/// Matches where no byte of the class stands before.
pub fn not_after(class: Class) -> Matcher {
    Box::new(move |text, at| (!is_before(class, text, at, 1)).then_some(at))
}

/// Matches where no byte of the class follows.
pub fn not_before(class: Class) -> Matcher {
    Box::new(move |text, at| (!is(class, text, at)).then_some(at))
}

/// Tells how far a match goes on at a place, and whether it can go on after that.
pub type Tail = fn(&[u8], usize) -> (usize, bool);

fn goes_on(class: Class, text: &[u8], at: usize) -> (usize, bool) {
    match is(class, text, at) {
        true => (at + 1, true),
        false => (at, false),
    }
}

pub fn token_tail(text: &[u8], at: usize) -> (usize, bool) {
    goes_on(token, text, at)
}

pub fn jwt_tail(text: &[u8], at: usize) -> (usize, bool) {
    goes_on(|byte| token(byte) || byte == b'.', text, at)
}

/// The body of a PEM text (RFC 7468) and its last line. Line breaks may be those of a JSON string:
/// `\n`.
pub fn pem_tail(text: &[u8], at: usize) -> (usize, bool) {
    const BEGIN: &str = "-----END ";
    if !starts_with(text, at, BEGIN) {
        let pem = |byte: u8| alphanumeric(byte) || b"+/=\\ \t\r\n\x0b\x0c:,-".contains(&byte);
        return goes_on(pem, text, at);
    }
    let start = at + BEGIN.len();
    let label = (start..start + 32)
        .take_while(|&at| is(|byte| byte.is_ascii_uppercase() || byte == b' ', text, at))
        .count();
    if label > 0 && starts_with(text, start + label, "-----") {
        (start + label + 5, false)
    } else {
        (at, false)
    }
}
