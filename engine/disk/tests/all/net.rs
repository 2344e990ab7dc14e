//! Sockets on the real machine, on loopback: what is sent arrives, what waits holds nothing, what is given
//! up is given up in the kernel too. Not HTTP.

use std::future::Future;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::rc::Rc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use flywheel_disk::limits::{RECEIVE_BUFFERS, RECEIVE_BYTES};
use flywheel_disk::real::{Listener, Outgoing, RealWorld, Received, run_on_core};
use flywheel_disk::{Durability, TaskClass, World, host, timeout};
use futures_util::future::{join_all, poll_immediate, select};

/// Long enough for anything to happen that should not.
const MOMENT: Duration = Duration::from_millis(20);

fn any_port() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

/// Runs `server` on a core with a listener, and `client` on this thread with its address.
fn with_server<F: Future<Output = ()> + 'static>(
    server: impl FnOnce(RealWorld, Listener) -> F + Send + 'static,
    client: impl FnOnce(SocketAddr),
) {
    let directory = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    if let Err(error) = host::check_kernel(directory) {
        println!("skipped, because {error}");
        return;
    }
    let (tell, told) = mpsc::channel();
    let core = run_on_core(0, "net", Duration::ZERO, move || async move {
        let listener = Listener::bind(any_port()).expect("a free port");
        tell.send(listener.local_address()).expect("the client waits");
        server(RealWorld::new(Durability::Dsync), listener).await;
    });
    let core = core.expect("a core starts");
    client(told.recv().expect("the core listens"));
    core.join().expect("the server ends well");
}

fn text(text: &str) -> Outgoing {
    Outgoing { head: text.into(), body: Vec::new() }
}

#[test]
fn what_a_client_sends_comes_back_and_its_end_is_seen() {
    let server = async |_world: RealWorld, listener: Listener| {
        let socket = listener.accept().await.expect("a connection");
        loop {
            let received = socket.recv().await.expect("bytes or the end");
            if received.is_empty() {
                break;
            }
            let outgoing = Outgoing { head: b"<".to_vec(), body: received.to_vec() };
            drop(received);
            let mut back = socket.send(outgoing).await.expect("it is sent");
            assert_eq!(back.head, b"<", "the memory comes back");
            back.head.clear();
        }
        socket.send(text(" bye")).await.expect("it is sent");
    };
    with_server(server, |address| {
        let mut stream = TcpStream::connect(address).expect("a connection");
        let mut buffer = [0; 6];
        for word in ["hello", "world"] {
            stream.write_all(word.as_bytes()).expect("it is sent");
            stream.read_exact(&mut buffer).expect("an echo");
            assert_eq!(&buffer[1..], word.as_bytes());
        }
        stream.shutdown(Shutdown::Write).expect("an end");
        let mut rest = String::new();
        stream.read_to_string(&mut rest).expect("the other end");
        assert_eq!(rest, " bye");
    });
}

#[test]
fn large_messages_arrive_whole_in_both_directions() {
    const BYTES: usize = 9 << 20;
    let pattern = |at: usize| (at % 251) as u8;
    let server = async move |_world: RealWorld, listener: Listener| {
        let socket = listener.accept().await.expect("a connection");
        let mut all = Vec::new();
        while all.len() < BYTES {
            let received = socket.recv().await.expect("bytes");
            assert!(!received.is_empty() && received.len() <= RECEIVE_BYTES);
            all.extend_from_slice(&received);
        }
        let body = all.split_off(BYTES / 3);
        socket.send(Outgoing { head: all, body }).await.expect("it is sent");
    };
    with_server(server, |address| {
        let mut stream = TcpStream::connect(address).expect("a connection");
        let sent: Vec<u8> = (0..BYTES).map(pattern).collect();
        let mut writer = stream.try_clone().expect("a second handle");
        let writing = thread::spawn(move || {
            writer.write_all(&sent).expect("it is sent");
            sent
        });
        let mut back = Vec::new();
        stream.read_to_end(&mut back).expect("all of it");
        assert!(back == writing.join().expect("the writer ends"), "some bytes are others");
    });
}

#[test]
fn more_sockets_than_buffers_are_read_while_all_buffers_are_held() {
    let count = usize::from(RECEIVE_BUFFERS) + 40;
    let server = async move |_world: RealWorld, listener: Listener| {
        let mut sockets = Vec::new();
        for _ in 0..count {
            sockets.push(listener.accept().await.expect("a connection"));
        }
        for _ in 0..2 {
            // Nothing is given back before all have arrived, which is what nobody should do.
            let received = join_all(sockets.iter().map(|socket| socket.recv())).await;
            let received: Vec<Received> =
                received.into_iter().map(|got| got.expect("it")).collect();
            assert!(received.iter().all(|received| &received[..] == b"x"));
            drop(received);
            for socket in &sockets {
                socket.send(text("y")).await.expect("it is sent");
            }
        }
    };
    with_server(server, |address| {
        let connect = |_| TcpStream::connect(address).expect("a connection");
        let mut streams: Vec<TcpStream> = (0..count).map(connect).collect();
        for _ in 0..2 {
            for stream in &mut streams {
                stream.write_all(b"x").expect("it is sent");
            }
            for stream in &mut streams {
                stream.read_exact(&mut [0]).expect("an answer");
            }
        }
    });
}

#[test]
fn a_read_that_is_given_up_takes_nothing_and_closes_when_the_socket_does() {
    let server = async |world: RealWorld, listener: Listener| {
        let socket = listener.accept().await.expect("a connection");
        for _ in 0..3 {
            let read = timeout(&world, MOMENT, socket.recv()).await;
            assert!(read.is_none(), "nothing was sent yet");
        }
        socket.send(text("now")).await.expect("it is sent");
        let received = socket.recv().await.expect("bytes");
        assert_eq!(&received[..], b"answer", "the reads given up took nothing");
        drop(received);
        // A read under way must not keep the connection open.
        let read = timeout(&world, MOMENT, socket.recv()).await;
        assert!(read.is_none());
        drop(socket);
        let next = listener.accept().await.expect("the client saw the end and came again");
        drop(next);
    };
    with_server(server, |address| {
        let mut stream = TcpStream::connect(address).expect("a connection");
        stream.read_exact(&mut [0; 3]).expect("the word");
        stream.write_all(b"answer").expect("it is sent");
        assert_eq!(stream.read(&mut [0]).expect("the end"), 0);
        let mut second = TcpStream::connect(address).expect("a connection");
        assert_eq!(second.read(&mut [0]).expect("the end"), 0);
    });
}

#[test]
fn a_send_that_nobody_takes_can_be_given_up() {
    let server = async |world: RealWorld, listener: Listener| {
        let socket = listener.accept().await.expect("a connection");
        let outgoing = Outgoing { head: vec![0; 64 << 20], body: Vec::new() };
        let sent = timeout(&world, MOMENT, socket.send(outgoing)).await;
        assert!(sent.is_none(), "nobody reads and yet it was sent");
        drop(socket);
        drop(listener.accept().await.expect("the second connection"));
    };
    with_server(server, |address| {
        let first = TcpStream::connect(address).expect("a connection");
        let mut second = TcpStream::connect(address).expect("a connection");
        assert_eq!(second.read(&mut [0]).expect("the end"), 0);
        drop(first);
    });
}

#[test]
fn a_connection_that_is_reset_is_an_error_or_an_end() {
    let server = async |_world: RealWorld, listener: Listener| {
        let socket = listener.accept().await.expect("a connection");
        // The client closes with bytes of ours unread: the system resets.
        socket.send(text("unread")).await.expect("it is sent");
        while socket.recv().await.is_ok_and(|received| !received.is_empty()) {}
        while socket.send(text("more")).await.is_ok() {}
    };
    with_server(server, |address| {
        let stream = TcpStream::connect(address).expect("a connection");
        thread::sleep(MOMENT);
        drop(stream);
    });
}

#[test]
fn a_connection_that_nobody_takes_any_more_is_closed() {
    let server = async |world: RealWorld, listener: Listener| {
        {
            let mut accept = Box::pin(listener.accept());
            assert!(poll_immediate(&mut accept).await.is_none(), "nobody has come yet");
            // By then the kernel has answered, and nobody has looked.
            world.sleep(MOMENT).await;
        }
        // Or it has not, and this is the one.
        let next = timeout(&world, MOMENT, listener.accept()).await;
        drop(next);
    };
    with_server(server, |address| {
        let mut stream = TcpStream::connect(address).expect("a connection");
        assert_eq!(stream.read(&mut [0]).unwrap_or(0), 0);
    });
}

#[test]
fn a_core_ends_with_reads_and_accepts_under_way() {
    let server = async |world: RealWorld, listener: Listener| {
        let socket = Rc::new(listener.accept().await.expect("a connection"));
        let reading = socket.clone();
        world.spawn(TaskClass::Foreground, async move {
            let _ = reading.recv().await;
            unreachable!("nothing is ever sent");
        });
        world.spawn(TaskClass::Foreground, async move {
            let _ = listener.accept().await;
            unreachable!("nobody comes");
        });
        world.sleep(MOMENT).await;
        drop(socket);
    };
    with_server(server, |address| {
        let mut stream = TcpStream::connect(address).expect("a connection");
        assert_eq!(stream.read(&mut [0]).expect("the end"), 0);
    });
}

#[test]
fn a_port_is_shared_by_cores_but_not_taken_from_another_server() {
    let server = async |_world: RealWorld, listener: Listener| {
        let address = listener.local_address();
        let error = Listener::bind(address).err().expect("somebody listens there");
        assert!(error.to_string().contains(&address.to_string()), "{error}");
        let second = Listener::share(address).expect("a core beside");
        assert_eq!(second.local_address(), address);
        // Whichever is dealt the connection.
        let (first, second) = (Box::pin(listener.accept()), Box::pin(second.accept()));
        let socket = select(first, second).await.factor_first().0.expect("a connection");
        socket.send(text("!")).await.expect("it is sent");
    };
    with_server(server, |address| {
        let mut stream = TcpStream::connect(address).expect("a connection");
        stream.read_exact(&mut [0]).expect("a greeting");
    });
}
