//! The host functions of the Proxy-Wasm ABI that the filter uses.
//!
//! They are declared here because those of the SDK (`proxy_wasm::hostcalls`) panic on every status
//! that they do not expect, and on a header name that is not UTF-8. A panic ends the VM.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ptr::null_mut;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proxy_wasm::types::{BufferType, LogLevel, MapType, MetricType};

use super::services::{HostError, Services};
use super::{Direction, LocalReply};

pub type HeaderLines = Vec<(String, Vec<u8>)>;

/// What a stream needs of Envoy. Tests have one of their own.
pub trait Host: Services + Clone + 'static {
    fn headers(&self, direction: Direction) -> Result<HeaderLines, HostError>;
    /// The first value of one header, without a copy of the others.
    fn header(&self, direction: Direction, name: &str) -> Result<Option<Vec<u8>>, HostError>;
    fn add_header(&self, direction: Direction, name: &str, value: &[u8]) -> Result<(), HostError>;
    /// Removes all lines of that name; it is no error if there is none.
    fn remove_header(&self, direction: Direction, name: &str) -> Result<(), HostError>;
    /// All of the body that Envoy has buffered for this filter, or the piece that has just come.
    fn body(&self, direction: Direction) -> Result<Vec<u8>, HostError>;
    fn replace_body(&self, direction: Direction, body: &[u8]) -> Result<(), HostError>;
    /// Envoy sends the reply after the current callback, which must return `Action::Pause`.
    fn reply(&self, reply: &LocalReply, details: &str) -> Result<(), HostError>;
}

#[derive(Clone, Copy)]
pub struct Envoy;

#[link(wasm_import_module = "env")]
extern "C" {
    fn proxy_log(level: LogLevel, message: *const u8, message_size: usize) -> u32;
    fn proxy_get_header_map_pairs(
        map: MapType,
        return_data: *mut *mut u8,
        return_size: *mut usize,
    ) -> u32;
    fn proxy_get_header_map_value(
        map: MapType,
        key: *const u8,
        key_size: usize,
        return_data: *mut *mut u8,
        return_size: *mut usize,
    ) -> u32;
    fn proxy_add_header_map_value(
        map: MapType,
        key: *const u8,
        key_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_remove_header_map_value(map: MapType, key: *const u8, key_size: usize) -> u32;
    fn proxy_get_buffer_bytes(
        buffer: BufferType,
        start: usize,
        max_size: usize,
        return_data: *mut *mut u8,
        return_size: *mut usize,
    ) -> u32;
    fn proxy_set_buffer_bytes(
        buffer: BufferType,
        start: usize,
        size: usize,
        data: *const u8,
        data_size: usize,
    ) -> u32;
    fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_size: usize,
        body: *const u8,
        body_size: usize,
        headers: *const u8,
        headers_size: usize,
        grpc_status: i32,
    ) -> u32;
    fn proxy_get_current_time_nanoseconds(return_time: *mut u64) -> u32;
    fn proxy_get_property(
        path: *const u8,
        path_size: usize,
        return_data: *mut *mut u8,
        return_size: *mut usize,
    ) -> u32;
    fn proxy_define_metric(
        kind: MetricType,
        name: *const u8,
        name_size: usize,
        return_id: *mut u32,
    ) -> u32;
    fn proxy_increment_metric(id: u32, offset: i64) -> u32;
    fn proxy_get_shared_data(
        key: *const u8,
        key_size: usize,
        return_data: *mut *mut u8,
        return_size: *mut usize,
        return_version: *mut u32,
    ) -> u32;
    fn proxy_set_shared_data(
        key: *const u8,
        key_size: usize,
        value: *const u8,
        value_size: usize,
        version: u32,
    ) -> u32;
    fn proxy_call_foreign_function(
        name: *const u8,
        name_size: usize,
        arguments: *const u8,
        arguments_size: usize,
        return_data: *mut *mut u8,
        return_size: *mut usize,
    ) -> u32;
}

const STATUS_OK: u32 = 0;
const STATUS_NOT_FOUND: u32 = 1;
const STATUS_PARSE_FAILURE: u32 = 4;
const STATUS_CAS_MISMATCH: u32 = 8;
/// A version that no data has. Envoy counts from 1, and 0 would write whatever is there.
const NO_VERSION: u32 = u32::MAX;
/// Longer than any buffer: stands for all of it.
const WHOLE_BUFFER: usize = u32::MAX as usize;
const NO_GRPC_STATUS: i32 = -1;

pub fn plugin_configuration() -> Result<Vec<u8>, HostError> {
    buffer(BufferType::PluginConfiguration)
}

pub fn log(level: LogLevel, message: &str) {
    // SAFETY: pointer and length are those of `message`. A failed log call has no remedy.
    unsafe { proxy_log(level, message.as_ptr(), message.len()) };
}

impl Host for Envoy {
    fn headers(&self, direction: Direction) -> Result<HeaderLines, HostError> {
        let (mut data, mut size) = (null_mut(), 0);
        // SAFETY: both pointers are valid for one write.
        let status =
            unsafe { proxy_get_header_map_pairs(header_map(direction), &mut data, &mut size) };
        check("proxy_get_header_map_pairs", status)?;
        // SAFETY: the call succeeded, so the host has set both.
        let bytes = unsafe { take(data, size) };
        parse_pairs(&bytes).ok_or(HostError {
            call: "proxy_get_header_map_pairs",
            status: STATUS_PARSE_FAILURE,
        })
    }

    fn header(&self, direction: Direction, name: &str) -> Result<Option<Vec<u8>>, HostError> {
        let (mut data, mut size) = (null_mut(), 0);
        // SAFETY: pointer and length are those of `name`; the others are valid for one write.
        let status = unsafe {
            proxy_get_header_map_value(
                header_map(direction),
                name.as_ptr(),
                name.len(),
                &mut data,
                &mut size,
            )
        };
        if status == STATUS_NOT_FOUND {
            return Ok(None);
        }
        check("proxy_get_header_map_value", status)?;
        // SAFETY: the call succeeded, so the host has set both.
        Ok(Some(unsafe { take(data, size) }))
    }

    fn add_header(&self, direction: Direction, name: &str, value: &[u8]) -> Result<(), HostError> {
        // SAFETY: pointers and lengths are those of the two slices.
        let status = unsafe {
            proxy_add_header_map_value(
                header_map(direction),
                name.as_ptr(),
                name.len(),
                value.as_ptr(),
                value.len(),
            )
        };
        check("proxy_add_header_map_value", status)
    }

    fn remove_header(&self, direction: Direction, name: &str) -> Result<(), HostError> {
        // SAFETY: pointer and length are those of `name`.
        let status = unsafe {
            proxy_remove_header_map_value(header_map(direction), name.as_ptr(), name.len())
        };
        check("proxy_remove_header_map_value", status)
    }

    fn body(&self, direction: Direction) -> Result<Vec<u8>, HostError> {
        buffer(body_buffer(direction))
    }

    fn replace_body(&self, direction: Direction, body: &[u8]) -> Result<(), HostError> {
        // SAFETY: pointer and length are those of `body`.
        let status = unsafe {
            proxy_set_buffer_bytes(
                body_buffer(direction),
                0,
                WHOLE_BUFFER,
                body.as_ptr(),
                body.len(),
            )
        };
        check("proxy_set_buffer_bytes", status)
    }

    fn reply(&self, reply: &LocalReply, details: &str) -> Result<(), HostError> {
        let headers = serialize_pairs(&reply.headers);
        // SAFETY: pointers and lengths are those of the three slices.
        let status = unsafe {
            proxy_send_local_response(
                reply.status,
                details.as_ptr(),
                details.len(),
                reply.body.as_ptr(),
                reply.body.len(),
                headers.as_ptr(),
                headers.len(),
                NO_GRPC_STATUS,
            )
        };
        check("proxy_send_local_response", status)
    }
}

impl Services for Envoy {
    fn now(&self) -> SystemTime {
        let mut time = 0;
        // SAFETY: the pointer is valid for one write. The host has no other status than OK.
        unsafe { proxy_get_current_time_nanoseconds(&mut time) };
        UNIX_EPOCH + Duration::from_nanos(time)
    }

    fn property(&self, path: &[&str]) -> Option<Vec<u8>> {
        let path = path.join("\0");
        let (mut data, mut size) = (null_mut(), 0);
        // SAFETY: pointer and length are those of `path`; the others are valid for one write.
        let status = unsafe { proxy_get_property(path.as_ptr(), path.len(), &mut data, &mut size) };
        // SAFETY: when the call has succeeded, the host has set both.
        (status == STATUS_OK).then(|| unsafe { take(data, size) })
    }

    fn shared_data(&self, key: &str) -> Result<(Option<Vec<u8>>, Option<u32>), HostError> {
        let (mut data, mut size, mut version) = (null_mut(), 0, 0);
        // SAFETY: pointer and length are those of `key`; the others are valid for one write.
        let status = unsafe {
            proxy_get_shared_data(key.as_ptr(), key.len(), &mut data, &mut size, &mut version)
        };
        if status == STATUS_NOT_FOUND {
            return Ok((None, None));
        }
        check("proxy_get_shared_data", status)?;
        // SAFETY: the call succeeded, so the host has set both.
        Ok((Some(unsafe { take(data, size) }), Some(version)))
    }

    fn set_shared_data(
        &self,
        key: &str,
        value: &[u8],
        version: Option<u32>,
    ) -> Result<bool, HostError> {
        // SAFETY: pointers and lengths are those of the two slices.
        let status = unsafe {
            proxy_set_shared_data(
                key.as_ptr(),
                key.len(),
                value.as_ptr(),
                value.len(),
                version.unwrap_or(NO_VERSION),
            )
        };
        if status == STATUS_CAS_MISMATCH {
            return Ok(false);
        }
        check("proxy_set_shared_data", status)?;
        Ok(true)
    }

    fn clear_route_cache(&self) -> Result<(), HostError> {
        let name = "clear_route_cache";
        let (mut data, mut size) = (null_mut(), 0);
        // SAFETY: pointer and length are those of `name`; the results are valid for one write.
        let status = unsafe {
            proxy_call_foreign_function(
                name.as_ptr(),
                name.len(),
                null_mut(),
                0,
                &mut data,
                &mut size,
            )
        };
        check("clear_route_cache", status)
    }

    fn count(&self, counter: &str) {
        let counted = counter_id(counter).and_then(|id| {
            // SAFETY: nothing is passed by pointer.
            check("proxy_increment_metric", unsafe {
                proxy_increment_metric(id, 1)
            })
        });
        if let Err(error) = counted {
            log(LogLevel::Error, &format!("{counter} not counted: {error}"));
        }
    }

    fn log(&self, level: LogLevel, message: &str) {
        log(level, message);
    }
}

thread_local! {
    /// Envoy makes a new metric of each definition, so a counter is defined once in a VM.
    static COUNTERS: RefCell<BTreeMap<String, u32>> = const { RefCell::new(BTreeMap::new()) };
}

fn counter_id(counter: &str) -> Result<u32, HostError> {
    COUNTERS.with_borrow_mut(|counters| {
        if let Some(id) = counters.get(counter) {
            return Ok(*id);
        }
        let mut id = 0;
        // SAFETY: pointer and length are those of `counter`; the last is valid for one write.
        let status = unsafe {
            proxy_define_metric(
                MetricType::Counter,
                counter.as_ptr(),
                counter.len(),
                &mut id,
            )
        };
        check("proxy_define_metric", status)?;
        counters.insert(counter.to_owned(), id);
        Ok(id)
    })
}

fn header_map(direction: Direction) -> MapType {
    match direction {
        Direction::Request => MapType::HttpRequestHeaders,
        Direction::Response => MapType::HttpResponseHeaders,
    }
}

fn body_buffer(direction: Direction) -> BufferType {
    match direction {
        Direction::Request => BufferType::HttpRequestBody,
        Direction::Response => BufferType::HttpResponseBody,
    }
}

fn check(call: &'static str, status: u32) -> Result<(), HostError> {
    match status {
        STATUS_OK => Ok(()),
        status => Err(HostError { call, status }),
    }
}

fn buffer(buffer: BufferType) -> Result<Vec<u8>, HostError> {
    let (mut data, mut size) = (null_mut(), 0);
    // SAFETY: both pointers are valid for one write.
    let status = unsafe { proxy_get_buffer_bytes(buffer, 0, WHOLE_BUFFER, &mut data, &mut size) };
    match status {
        STATUS_NOT_FOUND => Ok(Vec::new()), // an empty buffer
        status => {
            check("proxy_get_buffer_bytes", status)?;
            // SAFETY: the call succeeded, so the host has set both.
            Ok(unsafe { take(data, size) })
        }
    }
}

/// Takes over memory that the host had allocated in this module.
///
/// # Safety
/// `data` is null, or the host got it from `proxy_on_memory_allocate` of the SDK with this `size`.
unsafe fn take(data: *mut u8, size: usize) -> Vec<u8> {
    if data.is_null() {
        return Vec::new();
    }
    // SAFETY: the SDK allocates a boxed slice of exactly `size` bytes.
    unsafe { Vec::from_raw_parts(data, size, size) }
}

/// Header maps cross the ABI as: count, then the lengths of each name and value (all u32, little
/// endian), then each name and value, with a zero byte after each.
fn parse_pairs(bytes: &[u8]) -> Option<HeaderLines> {
    if bytes.is_empty() {
        return Some(Vec::new());
    }
    let (count, rest) = split_u32(bytes)?;
    let (mut lengths, mut text) = rest.split_at_checked(count.checked_mul(8)?)?;
    let mut lines = Vec::new();
    while !lengths.is_empty() {
        let (name_length, rest) = split_u32(lengths)?;
        let (value_length, rest) = split_u32(rest)?;
        lengths = rest;
        let (name, rest) = text.split_at_checked(name_length)?;
        let (value, rest) = rest.get(1..)?.split_at_checked(value_length)?;
        text = rest.get(1..)?;
        lines.push((std::str::from_utf8(name).ok()?.to_owned(), value.to_vec()));
    }
    Some(lines)
}

fn split_u32(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<4>()?;
    Some((usize::try_from(u32::from_le_bytes(*number)).ok()?, rest))
}

fn serialize_pairs(pairs: &[(String, String)]) -> Vec<u8> {
    // Envoy limits headers to far less than 4 GiB.
    let length = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes();
    let mut bytes = length(pairs.len()).to_vec();
    for (name, value) in pairs {
        bytes.extend(length(name.len()));
        bytes.extend(length(value.len()));
    }
    for (name, value) in pairs {
        bytes.extend(name.bytes().chain([0]));
        bytes.extend(value.bytes().chain([0]));
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_maps_survive_the_abi() {
        let pairs = [
            ("x-a".to_owned(), "one".to_owned()),
            ("x-empty".to_owned(), String::new()),
        ];
        let lines = parse_pairs(&serialize_pairs(&pairs)).unwrap();
        assert_eq!(
            lines,
            [
                ("x-a".to_owned(), b"one".to_vec()),
                ("x-empty".to_owned(), vec![])
            ]
        );
    }

    #[test]
    fn a_header_value_need_not_be_utf8() {
        let bytes = b"\x01\0\0\0\x01\0\0\0\x02\0\0\0a\0\xff\xfe\0";
        assert_eq!(
            parse_pairs(bytes),
            Some(vec![("a".to_owned(), vec![0xff, 0xfe])])
        );
    }

    #[test]
    fn truncated_header_maps_are_an_error_and_no_panic() {
        let bytes = serialize_pairs(&[("name".to_owned(), "value".to_owned())]);
        for end in 1..bytes.len() {
            assert_eq!(parse_pairs(&bytes[..end]), None, "{end} bytes");
        }
        assert_eq!(parse_pairs(&[0xff; 64]), None);
        assert_eq!(parse_pairs(b""), Some(vec![]));
    }
}
