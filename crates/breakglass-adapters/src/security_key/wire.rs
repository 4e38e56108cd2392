//! Messages to a security key over USB HID, in packets of 64 bytes.
//!
//! **Invariant:** nothing is waited for without a time-out; what comes is never longer than a message can be, and belongs to
//! our channel and our command.
//! **Limits:** [`ANSWER_SECONDS`], [`BUSY_COUNT_MAX`], [`MESSAGE_BYTES_MAX`].
//! **Source:** CTAP 2.1, section 11.2 (USB HID).

use std::time::Duration;

use breakglass_ops::ports::SecurityKeyError;

/// Bytes of a packet.
pub const PACKET_BYTES: usize = 64;

/// Seconds for which a key may be silent.
pub const ANSWER_SECONDS: u64 = 5;

/// How often a key may say that it is busy, or waits to be touched, before it is asked no more: it says so ten times in a
/// second, and gives up by itself after half a minute.
pub const BUSY_COUNT_MAX: u32 = 600;

/// Bytes of the longest message: what the first packet and 128 others hold.
pub const MESSAGE_BYTES_MAX: usize = 57 + 128 * 59;

const BROADCAST: [u8; 4] = [0xff; 4];
const INIT: u8 = 0x06;
const CBOR: u8 = 0x10;
const CANCEL: u8 = 0x11;
const KEEPALIVE: u8 = 0x3b;
const ERROR: u8 = 0x3f;
/// The bit that marks the first packet of a message.
const FIRST: u8 = 0x80;
/// The bit of a key's abilities that says that it speaks CTAP2.
const SPEAKS_CBOR: u8 = 0x04;
/// Packets for others that are passed over while one is waited for.
const STRANGE_COUNT_MAX: usize = 256;

/// A packet.
pub type Packet = [u8; PACKET_BYTES];

/// A device that takes packets and gives packets.
pub trait Wire: Send {
    /// Sends a packet.
    ///
    /// # Errors
    /// The device does not take it; why, for people.
    fn send(&mut self, packet: &Packet) -> Result<(), String>;

    /// The next packet; `None` if none comes in time.
    ///
    /// # Errors
    /// The device cannot be read; why, for people.
    fn receive(&mut self, within: Duration) -> Result<Option<Packet>, String>;
}

/// A channel to a key.
pub(super) struct Channel {
    wire: Box<dyn Wire>,
    id: [u8; 4],
}

impl Channel {
    /// Opens a channel, named by `nonce`.
    pub(super) fn open(wire: Box<dyn Wire>, nonce: [u8; 8]) -> Result<Self, SecurityKeyError> {
        let mut channel = Self { wire, id: BROADCAST };
        channel.send(INIT, &nonce)?;
        for _ in 0..STRANGE_COUNT_MAX {
            let answer = channel.message(INIT)?;
            // Somebody else may open a channel as well.
            if answer.get(..8) != Some(&nonce[..]) {
                continue;
            }
            let id = answer.get(8..12).and_then(|id| id.try_into().ok());
            let Some((id, abilities)) = id.zip(answer.get(16)) else { break };
            if abilities & SPEAKS_CBOR == 0 {
                return Err(SecurityKeyError::Unusable("it is too old: it does not speak CTAP2".to_owned()));
            }
            channel.id = id;
            return Ok(channel);
        }
        Err(unusable("it does not open a channel"))
    }

    /// Sends a command of CTAP2 and gives what comes back, without its status.
    pub(super) fn call(&mut self, command: &[u8]) -> Result<Vec<u8>, Status> {
        self.send(CBOR, command)?;
        let answer = self.message(CBOR)?;
        match answer.split_first() {
            Some((0, rest)) => Ok(rest.to_vec()),
            Some((status, _)) => Err(Status::Code(*status)),
            None => Err(unusable("its answer is empty").into()),
        }
    }

    fn send(&mut self, command: u8, data: &[u8]) -> Result<(), SecurityKeyError> {
        let length = u16::try_from(data.len()).ok().filter(|_| data.len() <= MESSAGE_BYTES_MAX);
        let length = length.ok_or_else(|| unusable("what it is asked is too long for it"))?;
        let (first, rest) = data.split_at(data.len().min(57));
        let head = [&self.id[..], &[command | FIRST], &length.to_be_bytes()].concat();
        let others = rest.chunks(59).zip(0_u8..).map(|(part, number)| ([&self.id[..], &[number]].concat(), part));
        let packets: Vec<Packet> =
            std::iter::once((head, first)).chain(others).map(|(head, data)| packet(&head, data)).collect();
        packets.iter().try_for_each(|packet| self.wire.send(packet)).map_err(SecurityKeyError::Unusable)
    }

    /// The next message of a command on this channel.
    fn message(&mut self, command: u8) -> Result<Vec<u8>, SecurityKeyError> {
        let mut busy_count = 0;
        let (mut data, wanted) = loop {
            let packet = self.next()?;
            let (found, length, rest) = first(&packet);
            if found == KEEPALIVE | FIRST {
                busy_count += 1;
                if busy_count > BUSY_COUNT_MAX {
                    self.send(CANCEL, &[])?;
                    return Err(SecurityKeyError::NotTouched);
                }
            } else if found == ERROR | FIRST {
                let code = rest.first().copied().unwrap_or_default();
                return Err(SecurityKeyError::Unusable(format!("it does not understand us (error {code:#04x})")));
            } else if found == command | FIRST {
                break (rest.to_vec(), length);
            }
        };
        if wanted > MESSAGE_BYTES_MAX {
            return Err(unusable("its answer is longer than any can be"));
        }
        let mut number = 0;
        while data.len() < wanted {
            let packet = self.next()?;
            if packet.get(4) != Some(&number) {
                return Err(unusable("part of its answer is missing"));
            }
            number += 1;
            data.extend_from_slice(packet.get(5..).unwrap_or_default());
        }
        data.truncate(wanted);
        Ok(data)
    }

    /// The next packet of this channel.
    fn next(&mut self) -> Result<Packet, SecurityKeyError> {
        for _ in 0..STRANGE_COUNT_MAX {
            let packet = self.wire.receive(Duration::from_secs(ANSWER_SECONDS)).map_err(SecurityKeyError::Unusable)?;
            let packet = packet.ok_or_else(|| unusable("it does not answer"))?;
            if packet.get(..4) == Some(&self.id[..]) {
                return Ok(packet);
            }
        }
        Err(unusable("something else is talking to it all the time"))
    }
}

/// Why a command was not carried out.
pub(super) enum Status {
    /// The key says so.
    Code(u8),
    /// It cannot be talked to.
    Broken(SecurityKeyError),
}

impl From<SecurityKeyError> for Status {
    fn from(error: SecurityKeyError) -> Self {
        Self::Broken(error)
    }
}

pub(super) fn unusable(why: &str) -> SecurityKeyError {
    SecurityKeyError::Unusable(why.to_owned())
}

fn packet(head: &[u8], data: &[u8]) -> Packet {
    let mut packet = [0; PACKET_BYTES];
    packet.iter_mut().zip(head.iter().chain(data)).for_each(|(to, from)| *to = *from);
    packet
}

/// Command, length and data of a first packet.
fn first(packet: &Packet) -> (u8, usize, &[u8]) {
    let [_, _, _, _, command, high, low, rest @ ..] = packet;
    (*command, usize::from(u16::from_be_bytes([*high, *low])), rest)
}
