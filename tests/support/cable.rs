//! The cable between two hosts, as good or bad as a test wants: what becomes of each packet that
//! enters it.
//!
//! The invariant: it alters nothing but the one packet that it turns into a reset.

use std::time::Duration;

/// Where the fields of an IPv4 header without options are (RFC 791, 3.1), and of the TCP header
/// behind it (RFC 9293, 3.1).
const LENGTH: usize = 2;
const PROTOCOL: usize = 9;
const SUM: usize = 10;
const SOURCE: usize = 12;
const TCP: usize = 20;
const TCP_WORDS: usize = TCP + 12;
const TCP_FLAGS: usize = TCP + 13;
const TCP_SUM: usize = TCP + 16;
/// The end of a TCP header without options.
const END: usize = TCP + 20;

/// How packets are carried, in both directions alike.
#[derive(Default)]
pub struct Cable {
    /// How many of a hundred are lost; a hundred is a cable that is cut.
    pub loss: u64,
    /// How many were lost.
    pub lost: usize,
    /// How long each takes.
    pub delay: Duration,
    /// How many bytes get across before the next ones arrive as a reset in their place.
    pub reset_after: Option<usize>,
    dice: u64,
}

impl Cable {
    /// What of a packet arrives, if anything does.
    pub fn take(&mut self, mut packet: Vec<u8>) -> Option<Vec<u8>> {
        // The hosts talk TCP over IPv4. What their kernels try besides, such as IPv6's looking for
        // neighbours, may be lost.
        if packet[0] != 0x45 || packet[PROTOCOL] != 6 {
            return None;
        }
        if self.roll() < self.loss {
            self.lost += 1;
            return None;
        }
        if let Some(left) = self.reset_after {
            let payload = packet.len() - TCP - usize::from(packet[TCP_WORDS] >> 4) * 4;
            self.reset_after = left.checked_sub(payload);
            if self.reset_after.is_none() {
                into_reset(&mut packet);
            }
        }
        Some(packet)
    }

    /// A number below a hundred: the same ones in every run (Knuth, MMIX).
    fn roll(&mut self) -> u64 {
        let product = self.dice.wrapping_mul(6_364_136_223_846_793_005);
        self.dice = product.wrapping_add(1_442_695_040_888_963_407);
        (self.dice >> 33) % 100
    }
}

/// Makes a TCP packet the reset that its receiver believes: at the same place in the sequence (RFC
/// 9293, 3.10.7.4).
fn into_reset(packet: &mut Vec<u8>) {
    packet.truncate(END);
    let mut put = |at: usize, word: u16| packet[at..at + 2].copy_from_slice(&word.to_be_bytes());
    put(LENGTH, END as u16);
    put(SUM, 0);
    put(TCP_SUM, 0);
    packet[TCP_WORDS] = 5 << 4;
    packet[TCP_FLAGS] = 0x04;
    let header = checksum(&[&packet[..TCP]]);
    let segment = checksum(&[&packet[SOURCE..], &[0, 6], &20u16.to_be_bytes()]);
    packet[SUM..SUM + 2].copy_from_slice(&header);
    packet[TCP_SUM..TCP_SUM + 2].copy_from_slice(&segment);
}

/// The Internet checksum (RFC 1071) of parts that have an even number of bytes each.
fn checksum(parts: &[&[u8]]) -> [u8; 2] {
    let words = parts.iter().flat_map(|part| part.chunks(2));
    let sum: u32 = words.map(|word| u32::from(u16::from_be_bytes([word[0], word[1]]))).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    (!(folded + (folded >> 16)) as u16).to_be_bytes()
}
