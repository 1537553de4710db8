//! The list of what is found.

use regex::bytes::Regex;

use super::body::PLAIN_ENCODINGS;
use super::matcher::{
    alphanumeric, any_case, digit, is, is_before, jwt_tail, letter, not_after, not_before, one_of,
    optional, pem_tail, run, sequence, times, token, token_tail, word, Matcher, Tail,
};
use super::scanner::WINDOW;

/// The longest match of a pattern of one's own; it is far below `WINDOW`.
pub const MAX_PATTERN: usize = 256;

/// A match: its first byte, the one after it, and what may prolong it.
#[derive(Clone, Copy)]
pub struct Found {
    pub start: usize,
    pub end: usize,
    pub tail: Option<Tail>,
}

/// Finds one kind of content.
pub struct Detector {
    /// In events.
    pub name: String,
    searches: Vec<Search>,
    /// Whether matches of one search can overlap. Each is found, or what stands before a card
    /// number could hide it.
    pub overlaps: bool,
    /// How many of the last digits stay when a match is masked; the separators then stay as well.
    /// None: nothing stays.
    keep_digits: Option<usize>,
}

/// A part of a detector. What one search finds hides nothing from another.
enum Search {
    /// Where two begin at one place, the first in the list counts.
    Forms(Vec<Form>),
    Pattern(Regex),
}

/// One thing that a detector finds.
struct Form {
    /// What it can begin with: most places of a text need no closer look.
    first: &'static [u8],
    matcher: Matcher,
    tail: Option<Tail>,
}

impl Detector {
    /// How many searches it has.
    pub fn searches(&self) -> usize {
        self.searches.len()
    }

    /// The first match of a search that begins in `text[from..limit]`.
    pub fn find(&self, search: usize, text: &[u8], from: usize, limit: usize) -> Option<Found> {
        match self.searches.get(search)? {
            Search::Forms(forms) => (from..limit).find_map(|at| {
                let byte = text.get(at)?;
                let seen = text.get(..at + WINDOW).unwrap_or(text);
                forms
                    .iter()
                    .filter(|form| form.first.contains(byte))
                    .find_map(|form| {
                        let end = (form.matcher)(seen, at)?;
                        let tail = form.tail;
                        Some(Found {
                            start: at,
                            end,
                            tail,
                        })
                    })
            }),
            Search::Pattern(regex) if from < limit => {
                // Beyond the limit a match could be cut off; there it is not asked for.
                let seen = text.get(..limit + MAX_PATTERN).unwrap_or(text);
                let found = regex.find_at(seen, from)?;
                (found.start() < limit).then(|| Found {
                    start: found.start(),
                    end: found.end(),
                    tail: None,
                })
            }
            Search::Pattern(_) => None,
        }
    }

    /// The places in a match that are masked.
    pub fn masked<'a>(&'a self, found: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
        let mut keep = self.keep_digits.unwrap_or_default();
        found
            .iter()
            .enumerate()
            .rev()
            .filter_map(move |(at, &byte)| {
                if self.keep_digits.is_some() && !digit(byte) {
                    return None;
                }
                if keep > 0 {
                    keep -= 1;
                    return None;
                }
                Some(at)
            })
    }
}

fn detector(name: &str, forms: Vec<Form>) -> Detector {
    Detector {
        name: name.to_owned(),
        searches: vec![Search::Forms(forms)],
        overlaps: false,
        keep_digits: None,
    }
}

fn form<const N: usize>(first: &'static [u8], parts: [Matcher; N]) -> Form {
    Form {
        first,
        matcher: sequence(parts),
        tail: None,
    }
}

impl Form {
    fn tail(mut self, tail: Tail) -> Self {
        self.tail = Some(tail);
        self
    }
}

/// A form that does not begin within a word.
fn separate<const N: usize>(first: &'static [u8], parts: [Matcher; N]) -> Form {
    form(first, [not_after(word), sequence(parts)])
}

/// Payment card numbers: 13 to 19 digits (ISO/IEC 7812), one blank or hyphen between any two, that
/// pass the Luhn check.
pub fn cards(keep_digits: usize) -> Detector {
    Detector {
        overlaps: true,
        keep_digits: Some(keep_digits),
        ..detector("cards", vec![form(b"23456", [Box::new(card)])])
    }
}

fn card(text: &[u8], at: usize) -> Option<usize> {
    let fraction = is_before(|byte| byte == b'.', text, at, 1) && is_before(digit, text, at, 2);
    if is_before(word, text, at, 1) || fraction {
        return None; // within a longer number or word, or behind a decimal point
    }
    let mut best = None;
    let mut digits = Vec::with_capacity(19);
    let mut end = at;
    while digits.len() < 19 {
        if !digits.is_empty() && is(|byte| byte == b' ' || byte == b'-', text, end) {
            end += 1;
        }
        match text.get(end) {
            Some(&byte) if digit(byte) => digits.push(byte - b'0'),
            _ => break,
        }
        end += 1;
        if digits.len() >= 13 && !is(word, text, end) && luhn(&digits) {
            best = Some(end);
        }
    }
    best
}

/// The check of ISO/IEC 7812-1, annex B.
fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(index, &digit)| match (index % 2, u32::from(digit)) {
            (0, digit) => digit,
            (_, digit) if digit > 4 => digit * 2 - 9,
            (_, digit) => digit * 2,
        })
        .sum();
    sum.is_multiple_of(10)
}

fn mail(byte: u8) -> bool {
    alphanumeric(byte) || b"._%+-".contains(&byte)
}

fn label(byte: u8) -> bool {
    alphanumeric(byte) || byte == b'-'
}

/// E-mail addresses with a top-level domain.
pub fn emails() -> Detector {
    const FIRST: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._%+-";
    let address = [
        not_after(mail),
        run(mail, 1, 64),
        one_of(&["@"]),
        Box::new(domain),
    ];
    Detector {
        overlaps: true,
        ..detector("emails", vec![form(FIRST, address)])
    }
}

/// The longest text that ends with a top-level domain.
fn domain(text: &[u8], mut at: usize) -> Option<usize> {
    let mut best = None;
    for labels in 0.. {
        let length = (at..).take_while(|&at| is(label, text, at)).count();
        if length == 0 || length > 63 {
            break;
        }
        let end = at + length;
        if labels > 0 && length > 1 && (at..end).all(|at| is(letter, text, at)) {
            best = Some(end);
        }
        if !is(|byte| byte == b'.', text, end) {
            break;
        }
        at = end + 1;
    }
    best
}

/// Tokens and keys in the forms that their issuers document. To add one, give its prefix and the
/// least that follows.
///
/// Forms with the same tail share a search: a match that begins within another is masked with it, as
/// all of its bytes are bytes of the tail.
pub fn credentials() -> Detector {
    let upper = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    let github = &["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "npm_"];
    let stripe = &["sk_live_", "sk_test_", "rk_live_", "rk_test_"];
    let slack = &["xoxa-", "xoxb-", "xoxp-", "xoxr-", "xoxs-"];
    let pem = &[
        "PRIVATE KEY",
        "RSA PRIVATE KEY",
        "EC PRIVATE KEY",
        "DSA PRIVATE KEY",
        "OPENSSH PRIVATE KEY",
        "ENCRYPTED PRIVATE KEY",
        "PGP PRIVATE KEY BLOCK",
    ];
    let without_tail = vec![
        // AWS access key id, Google API key
        separate(
            b"A",
            [
                one_of(&["AKIA", "ASIA"]),
                run(upper, 16, 16),
                not_before(word),
            ],
        ),
        separate(
            b"A",
            [one_of(&["AIza"]), run(token, 35, 35), not_before(token)],
        ),
    ];
    let tokens = vec![
        separate(b"gn", [one_of(github), run(alphanumeric, 36, 36)]).tail(token_tail),
        separate(b"g", [one_of(&["github_pat_"]), run(word, 22, 22)]).tail(token_tail),
        // GitLab, Anthropic, OpenAI
        separate(
            b"gs",
            [
                one_of(&["glpat-", "sk-ant-", "sk-proj-"]),
                run(token, 20, 20),
            ],
        )
        .tail(token_tail),
        separate(b"sr", [one_of(stripe), run(alphanumeric, 16, 16)]).tail(token_tail),
        separate(b"x", [one_of(slack), run(label, 10, 10)]).tail(token_tail),
    ];
    let jwt = separate(
        b"e",
        [one_of(&["eyJ"]), run(token, 10, 1000), one_of(&[".eyJ"])],
    );
    let key = form(
        b"-",
        [one_of(&["-----BEGIN "]), one_of(pem), one_of(&["-----"])],
    );
    Detector {
        searches: vec![
            Search::Forms(without_tail),
            Search::Forms(tokens),
            Search::Forms(vec![jwt.tail(jwt_tail)]),
            Search::Forms(vec![key.tail(pem_tail)]),
        ],
        ..detector("credentials", Vec::new())
    }
}

fn blank() -> Matcher {
    any_case(&[
        " ", "\t", "\r", "\n", "+", "%20", "%09", "%0a", "%0d", "/**/",
    ])
}

fn blanks() -> Matcher {
    times(blank(), 1, 8)
}

fn may_blanks() -> Matcher {
    times(blank(), 0, 8)
}

/// The beginnings of attacks, in any case, and with percent-encoding where it is usual in forms.
/// They are heuristics: what they miss is no proof of innocence.
pub fn sql_injection() -> Detector {
    let quote = || any_case(&["'", "\"", "%27", "%22"]);
    let equals = || any_case(&["=", "%3d"]);
    let statement = |verb: &'static [&'static str], object: &'static [&'static str]| {
        let verb = sequence([any_case(&[";", "%3b"]), may_blanks(), any_case(verb)]);
        form(b";%", [verb, blanks(), any_case(object), not_before(word)])
    };
    let all = optional(sequence([any_case(&["all"]), blanks()]));
    let value = sequence([optional(quote()), run(word, 1, 16), optional(quote())]);
    let count = || run(digit, 1, 8);
    let forms = vec![
        separate(
            b"uU",
            [
                any_case(&["union"]),
                blanks(),
                all,
                any_case(&["select"]),
                not_before(word),
            ],
        ),
        form(
            b"'\"%",
            [
                quote(),
                may_blanks(),
                any_case(&["or", "and"]),
                blanks(),
                value,
                may_blanks(),
                any_case(&["=", "%3d", "<", ">"]),
            ],
        ),
        separate(
            b"oOaA",
            [
                any_case(&["or", "and"]),
                blanks(),
                count(),
                may_blanks(),
                equals(),
                may_blanks(),
                count(),
            ],
        ),
        statement(
            &["drop", "truncate", "alter"],
            &["table", "database", "schema"],
        ),
        statement(&["delete"], &["from"]),
        statement(&["insert"], &["into"]),
        form(
            b"'%",
            [
                any_case(&["'", "%27"]),
                may_blanks(),
                optional(any_case(&[";", "%3b"])),
                may_blanks(),
                one_of(&["--"]),
                not_before(token),
            ],
        ),
        separate(
            b"sSpPbB",
            [
                any_case(&["sleep", "pg_sleep", "benchmark"]),
                one_of(&["("]),
                run(digit, 1, 16),
            ],
        ),
        separate(
            b"wW",
            [
                any_case(&["waitfor"]),
                blanks(),
                any_case(&["delay"]),
                not_before(word),
            ],
        ),
        separate(
            b"iI",
            [
                any_case(&["into"]),
                blanks(),
                any_case(&["outfile", "dumpfile"]),
                not_before(word),
            ],
        ),
        separate(b"iIxX", [any_case(&["information_schema.", "xp_cmdshell"])]),
    ];
    detector("sql-injection", forms)
}

/// Ways out of a folder, and files that attackers look for.
pub fn path_traversal() -> Detector {
    let dot = || any_case(&[".", "%2e", "%252e"]);
    let separator = any_case(&["/", "\\", "%2f", "%5c", "%252f", "%255c", ";/"]);
    let windows = any_case(&["\\windows\\system32", "\\windows\\win.ini"]);
    let forms = vec![
        form(
            b".%",
            [not_after(|byte| byte == b'.'), dot(), dot(), separator],
        ),
        form(
            b"/",
            [any_case(&["/etc/passwd", "/etc/shadow"]), not_before(word)],
        ),
        form(b"/", [any_case(&["/proc/self/"])]),
        form(b"\\", [windows]),
    ];
    detector("path-traversal", forms)
}

/// The name of what cannot be read in events.
pub const UNREADABLE: &str = "unreadable";

/// More blanks than anybody needs, and less than the window.
const MAX_SPACE: usize = 400;

fn space(byte: u8) -> bool {
    byte <= b' '
}

fn blank_or_tab(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// The parts of a multipart body that are written in an encoding of their own (RFC 7578, section
/// 4.7), as some servers decode them. How blanks, line breaks and comments around the name are read
/// differs, so all that does not plainly say that there is no such encoding is found.
pub fn transfer_encoded() -> Detector {
    let header = any_case(&["content-transfer-encoding"]);
    let value = not_plain_encoding();
    let forms = vec![form(b"cC", [header, run(space, 0, MAX_SPACE), value])];
    detector(UNREADABLE, forms)
}

/// A colon behind which no plain encoding stands alone in its line. Behind too many blanks, it
/// matches without one.
fn not_plain_encoding() -> Matcher {
    let blanks = || run(blank_or_tab, 0, MAX_SPACE);
    // The line ends, and is not folded.
    let plain = sequence([
        blanks(),
        any_case(PLAIN_ENCODINGS),
        blanks(),
        not_before(|byte| byte != b'\r' && byte != b'\n'),
        optional(one_of(&["\r\n", "\r", "\n"])),
        not_before(blank_or_tab),
    ]);
    Box::new(move |text, at| {
        if is(space, text, at) {
            return Some(at);
        }
        let value = one_of(&[":"])(text, at)?;
        plain(text, value).is_none().then_some(value)
    })
}

/// The matches of a regular expression that `config::pattern` accepts.
pub fn pattern(name: &str, regex: Regex) -> Detector {
    Detector {
        name: format!("pattern:{name}"),
        searches: vec![Search::Pattern(regex)],
        overlaps: false,
        keep_digits: None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::scanner::{Action, Inspector, Rule};
    use super::*;

    const JWT: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODB9.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"; // RFC 7519

    fn masked(detector: Detector, text: &str) -> String {
        let rules = [Rule {
            detector,
            action: Action::Mask,
        }];
        let (out, _) = Inspector::default().feed(&rules, b'*', text.as_bytes(), true);
        String::from_utf8(out).unwrap()
    }

    /// What is found stands between « and ».
    fn check(detector: Detector, text: &str) {
        let mut expected = String::new();
        let mut hidden = false;
        for character in text.chars() {
            match character {
                '«' | '»' => hidden = character == '«',
                _ if hidden => expected.push('*'),
                _ => expected.push(character),
            }
        }
        assert_eq!(masked(detector, &text.replace(['«', '»'], "")), expected);
    }

    /// The test numbers that the brands publish.
    #[test]
    fn card_numbers() {
        for text in [
            "a «4111111111111111», «4012888888881881».\n«4222222222222»",
            "«5555555555554444» «2223003122003222» «6011111111111117» «3530111333300000»",
            "{\"n\":«378282246310005»,\"m\":\"«30569309025904»\"}",
            "«4111111111111111110»",
            "4111111111111112 41111111111111111111 411111111116 1111111111111117",
            "a4111111111111111 4111111111111111b _4111111111111111",
            "0.4111111111111111 «4111111111111111».5 No.«4111111111111111»",
            // Digits before a number can pass with its beginning.
            "customer «200000006» «4111» «1111» «1111» «1111»",
            "item «6» «4111» «1111» «1111» «1111»",
        ] {
            check(cards(0), text);
        }
        assert_eq!(
            masked(cards(4), "4111-1111 1111-1111"),
            "****-**** ****-1111"
        );
    }

    /// One of ten numbers makes, with a part of the card number, one that passes the Luhn check.
    #[test]
    fn every_card_is_masked() {
        for number in (0..2000).chain(200_000_000..200_002_000) {
            let text = format!("{number} 4111-1111 1111 1111 {number}");
            let text = masked(cards(4), &text);
            let at = number.to_string().len() + 1;
            assert_eq!(text.get(at..at + 15), Some("****-**** **** "), "{number}");
        }
    }

    /// A text that makes as many overlapping matches as it can takes time in proportion to its
    /// length: no byte is in more than so many matches.
    #[test]
    fn overlaps_take_linear_time() {
        for part in ["4 4 4 4-", "2 ", "a@b.cd"] {
            let text = part.repeat(20_000 / part.len());
            for detector in [cards(4), emails()] {
                let (mut from, mut looks) = (0, 0);
                while let Some(found) = detector.find(0, text.as_bytes(), from, text.len()) {
                    looks += found.end - found.start;
                    from = found.start + 1;
                }
                assert!(looks < 40 * text.len(), "{part}: {looks}");
            }
        }
    }

    #[test]
    fn addresses() {
        let long = "a".repeat(64);
        for text in [
            "mail «jane.doe+tag@mail.example.com», or <«a@b.co».>",
            "jane@localhost @example.com a@b.c jane@.com a@b..com",
            &format!("a{long}@example.com «{long}@example.com»"),
            "«a@example.com».1 «a@b.example».x1",
            "«x@jane.doe@example.com»",
        ] {
            check(emails(), text);
        }
    }

    #[test]
    fn tokens_and_keys() {
        let a = |count| "a".repeat(count);
        for text in [
            "«AKIAIOSFODNN7EXAMPLE» AKIAIOSFODNN7EXAMPLE1 xAKIAIOSFODNN7EXAMPLE",
            &format!("key=«AIza{}»&b «ghp_{}» ghp_{}", a(35), a(36), a(35)),
            &format!("«github_pat_{}» «glpat-{}» «sk_live_{}»", a(82), a(20), a(24)),
            &format!("«xoxb-123456789012-abc» «sk-ant-api03-{}» «npm_{}»", a(90), a(36)),
            "sk_live_ ghp_ AKIA xoxb-1 eyJ eyJhbGciOiJ.x",
            &format!("Bearer «{JWT}»\" «{JWT}{}» y", a(5000)),
            "«-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIEow+/=\n-----END RSA PRIVATE KEY-----» b",
            r#"{"k":"«-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----»\n"}"#,
            &format!("«-----BEGIN EC PRIVATE KEY-----\n{}»\"", "MHcCAQEE".repeat(1000)),
            "-----BEGIN PUBLIC KEY-----\nMIIE",
            &format!("«xoxb-123456789012-{JWT}»"),
            &format!(
                "«glpat-{}-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----» b",
                a(20)
            ),
        ] {
            check(credentials(), text);
        }
    }

    #[test]
    fn attacks() {
        for text in [
            "1 «UNION SELECT» a, «union/**/all%20select»+b reunion select",
            "x«' or '1'=»'1' «\" OR 1=»1 «%27+and+a%3d»1 it's or not",
            "id=1 «or 1=1» -- 5 for 5=5",
            "1«; DROP TABLE» x «;delete from» y «%3Binsert%20into» z; drop the ball",
            "admin«'--» '--flag' it's -- so",
            "«sleep(5»), «pg_sleep(10»), sleep(x), «waitfor delay» «INTO OUTFILE» «information_schema.»t «xp_cmdshell»",
        ] {
            check(sql_injection(), text);
        }
        for text in [
            "a/«../»«..\\»«%2e%2E%2f»«..%252f»«..;/»b .../ .. /",
            "«/etc/passwd» /etc/passwords «/proc/self/»environ c:«\\WINDOWS\\System32»",
        ] {
            check(path_traversal(), text);
        }
    }

    /// Multipart parsers take many writings.
    #[test]
    fn transfer_encodings() {
        let many = " ".repeat(1000);
        let found = |line: &str| {
            let text = format!("--b\r\n{line}\r\nX-B: c\r\n\r\nNDExMQ==");
            transfer_encoded()
                .find(0, text.as_bytes(), 0, text.len())
                .is_some()
        };
        for value in [
            ":base64",
            ":         base64",
            &format!(":{many}base64"),
            &format!("{many}: base64"),
            " \t: BASE64",
            ":\r\n base64",
            "\x0b:\x0bbase64",
            ": \0base64",
            ": quoted-printable",
            ": x-new",
            ": (7bit) base64",
            ": \"base64\"",
            ": 7bit; base64",
            ": binary\r\n base64",
        ] {
            assert!(
                found(&format!("Content-Transfer-Encoding{value}")),
                "{value:?}"
            );
        }
        for line in [
            "content-transfer-encoding: 7bit",
            "Content-Transfer-Encoding:8BIT \t",
            "CONTENT-TRANSFER-ENCODING:  Binary",
            "X-A: Content-Transfer-Encoding",
        ] {
            assert!(!found(line), "{line}");
        }
    }

    #[test]
    fn patterns() {
        let regex = Regex::new("(?-u)EMP-[0-9]{6}|x{2,3}").unwrap();
        check(pattern("p", regex), "«EMP-123456»7 EMP-12345 «xxx»«xx» x");
    }
}
