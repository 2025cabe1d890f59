//! Two hosts with a cable between them, made for one test: each host is a network namespace with a
//! tun device, and a thread carries packets from one device through the [`Cable`] to the other.
//!
//! The invariant: no packet comes from or gets to anywhere else. Nothing has to be undone: the
//! hosts are gone with the descriptors and programs of the test.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{PipeReader, Read, Write, pipe};
use std::os::fd::{AsFd, AsRawFd};
use std::process::Command;
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::Instant;

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, setns, unshare};
use nix::unistd::geteuid;

use super::cable::Cable;
use super::root::run_again;
use super::{Program, command};

/// The addresses of the hosts.
pub const DESK: &str = "192.0.2.1";
const CALLER: &str = "192.0.2.2";

/// A desk's and a caller's host, and the cable between them.
pub struct Network {
    pub desk: Host,
    pub caller: Host,
    cable: Mutex<Cable>,
}

/// Runs `test` with a network: as root, or as the root of a user namespace.
pub fn network<T: FnOnce(&Network)>(test: T) {
    if !geteuid().is_root() {
        // This process has threads, and cannot become the root of a user namespace (unshare(2)).
        let mut unshare = command("unshare", &["--user", "--map-root-user"]);
        let advice =
            "where not everybody may make namespaces and open /dev/net/tun, run it as root";
        return run_again::<T>(&mut unshare, advice);
    }
    let network =
        &Network { desk: Host::new(DESK), caller: Host::new(CALLER), cable: Mutex::default() };
    let (over, running) = pipe().unwrap();
    thread::scope(|threads| {
        // Closed when the test is over, also when it fails: that ends the threads.
        let _running = running;
        threads.spawn(|| network.carry(&network.caller, &network.desk, &over));
        threads.spawn(|| network.carry(&network.desk, &network.caller, &over));
        test(network);
    });
}

impl Network {
    /// The cable, to change how it carries.
    pub fn cable(&self) -> MutexGuard<'_, Cable> {
        self.cable.lock().unwrap()
    }

    /// Carries packets in one direction until nobody can write to `over` any more.
    fn carry(&self, from: &Host, to: &Host, over: &PipeReader) {
        let mut under_way: VecDeque<(Instant, Vec<u8>)> = VecDeque::new();
        let mut packet = [0; 64 * 1024];
        loop {
            // poll(2) counts whole milliseconds: one more is late enough.
            let next =
                under_way.front().map(|(due, _)| due.saturating_duration_since(Instant::now()));
            let timeout =
                next.map_or(PollTimeout::NONE, |next| (next.as_millis() as u16 + 1).into());
            let mut wants = [
                PollFd::new(from.tun.as_fd(), PollFlags::POLLIN),
                PollFd::new(over.as_fd(), PollFlags::empty()),
            ];
            poll(&mut wants, timeout).unwrap();
            let [sent, over] = wants.map(|want| want.any().unwrap());
            if over {
                return;
            }
            let now = Instant::now();
            if sent {
                let length = (&from.tun).read(&mut packet).unwrap();
                let mut cable = self.cable();
                let arriving = cable.take(packet[..length].to_vec());
                under_way.extend(arriving.map(|packet| (now + cable.delay, packet)));
            }
            while under_way.front().is_some_and(|(due, _)| *due <= now) {
                let (_, packet) = under_way.pop_front().unwrap();
                (&to.tun).write_all(&packet).unwrap();
            }
        }
    }
}

/// A machine on the network.
pub struct Host {
    namespace: File,
    tun: File,
}

impl Host {
    fn new(address: &str) -> Self {
        in_thread(|| {
            unshare(CloneFlags::CLONE_NEWNET).expect("a network namespace (unshare(2))");
            let namespace = File::open("/proc/thread-self/ns/net").unwrap();
            let tun = tun();
            let address = format!("address add {address}/24 dev tun0");
            for line in [&address, "link set tun0 up", "link set lo up"] {
                let ip = command("ip", &[]).args(line.split(' ')).status().unwrap();
                assert!(ip.success(), "ip {line}");
            }
            Self { namespace, tun }
        })
    }

    /// Does `act` at this host: sockets that it makes and programs that it starts stay there.
    pub fn at<T: Send>(&self, act: impl FnOnce() -> T + Send) -> T {
        in_thread(|| {
            setns(&self.namespace, CloneFlags::CLONE_NEWNET).unwrap();
            act()
        })
    }

    /// Starts a program at this host, with pipes in place of standard input, output and error.
    pub fn start(&self, command: &mut Command) -> Program {
        self.at(|| Program::start(command))
    }
}

/// Runs `act` in a new thread: each thread is in a network namespace, and what it starts inherits
/// that.
fn in_thread<T: Send>(act: impl FnOnce() -> T + Send) -> T {
    thread::scope(|threads| threads.spawn(act).join().unwrap())
}

/// A network device, `tun0`, whose packets are read and written here.
#[expect(unsafe_code, reason = "no safe interface makes such a device")]
fn tun() -> File {
    let tun = File::options().read(true).write(true).open("/dev/net/tun").expect("/dev/net/tun");
    let kind = libc::IFF_TUN | libc::IFF_NO_PI;
    let mut request = libc::ifreq {
        ifr_name: [0; libc::IFNAMSIZ],
        ifr_ifru: libc::__c_anonymous_ifr_ifru { ifru_flags: kind as libc::c_short },
    };
    // SAFETY: the kernel reads an ifreq and writes its answer there, while nobody else uses it.
    let made = unsafe { libc::ioctl(tun.as_raw_fd(), libc::TUNSETIFF, &raw mut request) };
    Errno::result(made).expect("a tun device (ioctl(2))");
    tun
}
