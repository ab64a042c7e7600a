//! The network device that the system routes packets of the virtual network to.

use std::{
    fmt, io,
    task::{Context, Poll},
};

use culvert_conf::Network;

/// The longest packet that the system gives us (upstream pkg/vnet: the MTU of its device).
pub(super) const MTU: u16 = 1420;

/// Where packets come from and go to. Each call moves one whole packet.
pub(super) trait Device: fmt::Debug + Send + Sync + 'static {
    /// The next packet of the system.
    fn poll_recv(&self, cx: &mut Context<'_>, packet: &mut [u8]) -> Poll<io::Result<usize>>;

    /// Gives the system a packet.
    fn poll_send(&self, cx: &mut Context<'_>, packet: &[u8]) -> Poll<io::Result<usize>>;
}

/// Makes a device that has `network`'s address, and its name.
///
/// # Errors
/// The system has no such devices, or we may not make one.
#[cfg(target_os = "linux")]
pub(super) fn open(network: Network) -> io::Result<(Box<dyn Device>, String)> {
    use std::{net::IpAddr, path::Path};

    use tun_rs::DeviceBuilder;

    /// As many networks on one machine as upstream looks for names.
    const MOST: u8 = 255;

    let is_free = |name: &String| !Path::new("/sys/class/net").join(name).exists();
    let name = (0..MOST).map(|n| format!("utun{n}")).find(is_free);
    let name = name.ok_or_else(|| io::Error::other("every name from utun0 on is taken"))?;
    let builder = DeviceBuilder::new().name(name.as_str()).mtu(MTU);
    let builder = match network.address() {
        IpAddr::V4(address) => builder.ipv4(address, network.prefix(), None),
        IpAddr::V6(address) => builder.ipv6(address, network.prefix()),
    };
    let device = builder.enable(true).build_async()?;
    Ok((Box::new(Tun(device)), name))
}

/// Says that this system has no such device.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub(super) fn open(_network: Network) -> io::Result<(Box<dyn Device>, String)> {
    let text = "virtual networks exist on Linux only";
    Err(io::Error::new(io::ErrorKind::Unsupported, text))
}

#[cfg(target_os = "linux")]
struct Tun(tun_rs::AsyncDevice);

#[cfg(target_os = "linux")]
impl fmt::Debug for Tun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tun")
    }
}

#[cfg(target_os = "linux")]
impl Device for Tun {
    fn poll_recv(&self, cx: &mut Context<'_>, packet: &mut [u8]) -> Poll<io::Result<usize>> {
        self.0.poll_recv(cx, packet)
    }

    fn poll_send(&self, cx: &mut Context<'_>, packet: &[u8]) -> Poll<io::Result<usize>> {
        self.0.poll_send(cx, packet)
    }
}
