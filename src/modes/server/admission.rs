//! Admission: whose calls are accepted and how many at once, decided before a process is forked.
//!
//! Pure: the desk passes in addresses and the time, and next door, `access_lists` reads the lists.
//! A host is an IPv4 address or an IPv6 network of 64 bits, which is what one customer gets (RFC
//! 6177). Calls from this machine count towards the total only: a tunnel that ends here is not one
//! host. They come from a loopback address, or from the address that they call. The invariant: a
//! call that was admitted and has ended leaves nothing behind but the time of its arrival.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;
use std::time::{Duration, Instant};

use ipnet::{IpNet, Ipv4Net};

use super::rate::{Rate, Usage};

/// New calls from one host: a burst of twenty, then sixty a minute.
const PER_HOST: Rate = Rate { burst: 20, every: Duration::from_secs(1) };
/// Hosts that are remembered before idle ones are dropped.
const HOSTS: usize = 1024;

/// A network, in messages about lists.
pub const EXAMPLE: &str = "192.0.2.0/24";

/// The most calls at once, in total and from one host.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub calls: usize,
    pub per_host: usize,
}

/// One or more networks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

impl FromStr for Networks {
    type Err = String;

    /// One address or network per line; a `#` begins a comment.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut networks = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let word = line.split('#').next().unwrap_or_default().trim();
            if !word.is_empty() {
                let error = |why| format!("line {}: '{word}' {why}", index + 1);
                networks.push(network(word).map_err(error)?);
            }
        }
        if networks.is_empty() {
            return Err(format!("the list is empty; put one network per line, such as {EXAMPLE}"));
        }
        Ok(Self(networks))
    }
}

/// Parses a network. A network of IPv4-mapped addresses becomes the IPv4 network that it stands
/// for: callers are compared by their canonical addresses, and would never match it.
fn network(word: &str) -> Result<IpNet, String> {
    let network = word.parse().or_else(|_| word.parse::<IpAddr>().map(IpNet::from));
    let network = network.map_err(|_| format!("is not an address or network such as {EXAMPLE}"))?;
    let IpNet::V6(v6) = network else { return Ok(network) };
    let Some(address) = v6.addr().to_ipv4_mapped() else { return Ok(network) };
    let wide = "is wider than ::ffff:0:0/96, which is all of IPv4; name IPv4 and IPv6 separately";
    let prefix = v6.prefix_len().checked_sub(96).ok_or(wide)?;
    Ipv4Net::new(address, prefix).map(IpNet::from).map_err(|error| error.to_string())
}

impl Networks {
    fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// The access lists: a denied address stays denied, whatever else allows it.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// If there are any, only these may call.
    pub allow: Vec<Networks>,
    pub deny: Vec<Networks>,
}

impl Rules {
    fn permit(&self, address: IpAddr) -> bool {
        let named = |lists: &[Networks]| lists.iter().any(|networks| networks.contain(address));
        !named(&self.deny) && (self.allow.is_empty() || named(&self.allow))
    }
}

/// Why a call is rejected; the caller is told the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    NotAllowed,
    DeskFull,
    HostFull,
    TooFast,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAllowed => {
                "your address is not allowed to call this desk; ask its owner for access"
            }
            Self::DeskFull => "the desk is at its call limit; try again later",
            Self::HostFull => "too many simultaneous calls from your address; end one first",
            Self::TooFast => "too many calls from your address; try again in a minute",
        })
    }
}

#[derive(Debug)]
struct Host {
    calls: usize,
    /// How fast its calls came.
    usage: Usage,
}

/// The number of admitted calls, and the rules for more.
#[derive(Debug)]
pub struct Admission {
    limits: Limits,
    rules: Rules,
    /// By number, the host that each call counts for; `None` for this machine.
    calls: HashMap<u32, Option<IpAddr>>,
    hosts: HashMap<IpAddr, Host>,
}

impl Admission {
    pub fn new(limits: Limits, rules: Rules) -> Self {
        Self { limits, rules, calls: HashMap::new(), hosts: HashMap::new() }
    }

    /// Replaces the access lists, for new calls.
    pub fn replace_rules(&mut self, rules: Rules) {
        self.rules = rules;
    }

    /// Counts a call that arrives `now` from one address at another, until [`Admission::ended`].
    ///
    /// # Errors
    /// The call is rejected, and not counted.
    pub fn admit(
        &mut self,
        call: u32,
        from: IpAddr,
        at: Option<IpAddr>,
        now: Instant,
    ) -> Result<(), Refusal> {
        let from = from.to_canonical();
        if !self.rules.permit(from) {
            return Err(Refusal::NotAllowed);
        }
        let is_local = from.is_loopback() || at.is_some_and(|at| at.to_canonical() == from);
        let host = (!is_local).then(|| host(from));
        if let Some(host) = host {
            self.admit_host(host, now)?;
        }
        if self.calls.len() >= self.limits.calls {
            self.host_ended(host);
            return Err(Refusal::DeskFull);
        }
        self.calls.insert(call, host);
        Ok(())
    }

    fn admit_host(&mut self, host: IpAddr, now: Instant) -> Result<(), Refusal> {
        if self.hosts.len() >= HOSTS {
            self.hosts.retain(|_, host| host.calls > 0 || !host.usage.is_forgotten(now));
        }
        let new = || Host { calls: 0, usage: Usage::new(now) };
        let known = self.hosts.entry(host).or_insert_with(new);
        if known.calls >= self.limits.per_host {
            return Err(Refusal::HostFull);
        }
        if !known.usage.take(PER_HOST, now) {
            return Err(Refusal::TooFast);
        }
        known.calls += 1;
        Ok(())
    }

    /// An admitted call has ended.
    pub fn ended(&mut self, call: u32) {
        if let Some(host) = self.calls.remove(&call) {
            self.host_ended(host);
        }
    }

    fn host_ended(&mut self, host: Option<IpAddr>) {
        if let Some(known) = host.and_then(|host| self.hosts.get_mut(&host)) {
            known.calls -= 1;
        }
    }
}

/// The address that a host is counted under.
fn host(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let network = u128::from(address) & !u128::from(u64::MAX);
            Ipv6Addr::from(network).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::prelude::*;

    use super::*;

    const LIMITS: Limits = Limits { calls: 5, per_host: 2 };

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn rules(allow: &[&str], deny: &[&str]) -> Rules {
        let networks = |lists: &[&str]| lists.iter().map(|list| list.parse().unwrap()).collect();
        Rules { allow: networks(allow), deny: networks(deny) }
    }

    /// A desk at 198.51.100.1 and 2001:db8:d::1 that numbers its calls.
    struct Desk {
        admission: Admission,
        number: u32,
    }

    impl Desk {
        fn new(limits: Limits, rules: Rules) -> Self {
            Self { admission: Admission::new(limits, rules), number: 0 }
        }

        fn call(&mut self, from: &str, now: Instant) -> Result<u32, Refusal> {
            let at = if from.contains(':') { "2001:db8:d::1" } else { "198.51.100.1" };
            self.number += 1;
            self.admission.admit(self.number, ip(from), Some(ip(at)), now).map(|()| self.number)
        }

        /// Why a call from there is rejected, if it is.
        fn rejects(&mut self, from: &str, now: Instant) -> Option<Refusal> {
            self.call(from, now).err()
        }
    }

    #[test]
    fn calls_are_limited_per_host_and_in_total() {
        let now = Instant::now();
        let mut desk = Desk::new(LIMITS, Rules::default());
        let full = Some(Refusal::HostFull);
        let first = desk.call("192.0.2.1", now).unwrap();
        let second = desk.call("192.0.2.1", now).unwrap();
        assert_eq!(desk.rejects("192.0.2.1", now), full);
        desk.admission.ended(first);
        assert_eq!(desk.rejects("192.0.2.1", now), None);
        assert_eq!(desk.rejects("192.0.2.1", now), full);
        // An IPv4 address is the same host in its IPv6 form, and an IPv6 host is a network of 64
        // bits.
        assert_eq!(desk.rejects("::ffff:192.0.2.1", now), full);
        assert_eq!(desk.rejects("2001:db8::1", now), None);
        assert_eq!(desk.rejects("2001:db8::ffff:1", now), None);
        assert_eq!(desk.rejects("2001:db8::2", now), full);
        assert_eq!(desk.rejects("2001:db8:0:1::2", now), None);
        let busy = Some(Refusal::DeskFull);
        assert_eq!(desk.rejects("192.0.2.9", now), busy);
        desk.admission.ended(second);
        assert_eq!(desk.rejects("192.0.2.9", now), None);
        assert_eq!(desk.rejects("127.0.0.1", now), busy);
    }

    #[test]
    fn this_machine_counts_towards_the_total_only() {
        let now = Instant::now();
        let mut desk = Desk::new(Limits { calls: 126, per_host: 1 }, Rules::default());
        let neighbour = desk.call("2001:db8:d::2", now).unwrap();
        for _ in 0..25 {
            for here in ["127.0.0.1", "::1", "198.51.100.1", "2001:db8:d::1"] {
                assert_eq!(desk.rejects(here, now), None, "{here}");
            }
            let mapped = Some(ip("::ffff:198.51.100.1"));
            desk.number += 1;
            let admitted = desk.admission.admit(desk.number, ip("198.51.100.1"), mapped, now);
            assert_eq!(admitted, Ok(()));
        }
        assert_eq!(desk.rejects("::1", now), Some(Refusal::DeskFull));
        // A call from here that ends is not taken for one of a host in the same network.
        (neighbour + 1..=neighbour + 10).for_each(|call| desk.admission.ended(call));
        assert_eq!(desk.rejects("2001:db8:d::3", now), Some(Refusal::HostFull));
        desk.admission.ended(neighbour);
        assert_eq!(desk.rejects("2001:db8:d::3", now), None);
    }

    #[test]
    fn sixty_calls_a_minute_after_a_burst() {
        let start = Instant::now();
        let mut desk = Desk::new(Limits { calls: 1000, per_host: 1000 }, Rules::default());
        let mut rejects = |after| {
            let called = desk.call("192.0.2.66", start + Duration::from_millis(after));
            desk.admission.ended(desk.number);
            called.err()
        };
        for _ in 0..20 {
            assert_eq!(rejects(0), None);
        }
        assert_eq!(rejects(0), Some(Refusal::TooFast));
        assert_eq!(rejects(900), Some(Refusal::TooFast));
        assert_eq!(rejects(1000), None);
        assert_eq!(rejects(1500), Some(Refusal::TooFast));
        let in_a_minute = (0..600).filter(|tenth| rejects(2000 + tenth * 100).is_none()).count();
        assert_eq!(in_a_minute, 60);
    }

    #[test]
    fn denied_networks_stay_denied_and_an_allow_list_excludes_all_others() {
        let now = Instant::now();
        let mut desk = Desk::new(LIMITS, rules(&["192.0.2.0/24", "::1"], &["192.0.2.66"]));
        for allowed in ["192.0.2.1", "::ffff:192.0.2.2", "::1"] {
            assert_eq!(desk.rejects(allowed, now), None, "{allowed}");
        }
        let denied = Some(Refusal::NotAllowed);
        for other in ["192.0.2.66", "192.0.3.1", "2001:db8::1", "127.0.0.1", "198.51.100.1"] {
            assert_eq!(desk.rejects(other, now), denied, "{other}");
        }
        desk.admission.replace_rules(rules(&[], &["192.0.2.0/24"]));
        assert_eq!(desk.rejects("192.0.2.1", now), denied);
        assert_eq!(desk.rejects("192.0.3.1", now), None);
    }

    #[test]
    fn networks_are_written_one_per_line() {
        let networks: Networks =
            "192.0.2.0/24 # lab\n\n  2001:db8::/32\n198.51.100.7\n".parse().unwrap();
        assert_eq!(networks.0.len(), 3);
        for (wrong, complaint) in [
            ("", "the list is empty"),
            ("# nobody\n", "the list is empty"),
            ("192.0.2.0/24\nlab", "line 2: 'lab'"),
            ("192.0.2.0/33", "line 1"),
            ("::ffff:192.0.2.0/95", "wider than ::ffff:0:0/96"),
        ] {
            assert!(wrong.parse::<Networks>().unwrap_err().contains(complaint), "{wrong:?}");
        }
    }

    proptest! {
        /// A list that names an IPv4 network in its IPv6 form names the same network.
        #[test]
        fn a_mapped_network_is_the_ipv4_network(address: u32, prefix in 0u8..=32, peer: u32) {
            let address = Ipv4Addr::from(address);
            let mapped = address.to_ipv6_mapped();
            let list = |text: String| text.parse::<Networks>().unwrap();
            let network = list(format!("{address}/{prefix}"));
            prop_assert_eq!(&list(format!("{mapped}/{}", prefix + 96)), &network);
            prop_assert_eq!(list(mapped.to_string()), list(address.to_string()));
            // Peers nearby as well as anywhere.
            for peer in [peer, u32::from(address) ^ (peer >> prefix.min(31))] {
                let shift = 32 - u32::from(prefix);
                let same = (u64::from(peer) >> shift) == (u64::from(u32::from(address)) >> shift);
                prop_assert_eq!(network.contain(Ipv4Addr::from(peer).into()), same);
            }
        }

        /// However calls come and go, the counts are those of the calls that are there, and hosts
        /// are forgotten.
        #[test]
        fn nothing_is_left_behind(
            steps in proptest::collection::vec((any::<bool>(), 0u8..40), 0..400),
        ) {
            let start = Instant::now();
            let mut desk = Desk::new(LIMITS, Rules::default());
            let mut there = Vec::new();
            for (second, (comes, host)) in steps.into_iter().enumerate() {
                if comes {
                    let now = start + Duration::from_secs(second as u64);
                    there.extend(desk.call(&format!("192.0.2.{host}"), now).ok());
                } else if let Some(call) = there.pop() {
                    desk.admission.ended(call);
                }
                prop_assert_eq!(desk.admission.calls.len(), there.len());
                let counted: usize = desk.admission.hosts.values().map(|host| host.calls).sum();
                prop_assert_eq!(counted, there.len());
            }
        }
    }
}
