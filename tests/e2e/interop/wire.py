"""A connection to the router, written from proto/PROTOCOL.md alone: sections Connection and Frames."""
import json
import time

import zmq


def now():
    t = time.time()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(t)) + f".{int(t * 1000) % 1000:03d}Z"


class Wire:
    def __init__(self, endpoint, server_key, public, secret):
        self.context = zmq.Context()
        self.socket = s = self.context.socket(zmq.DEALER)
        s.linger, s.immediate = 0, 1
        s.reconnect_ivl, s.reconnect_ivl_max = 200, 30000
        s.heartbeat_ivl, s.heartbeat_timeout, s.heartbeat_ttl = 5000, 15000, 15000
        s.curve_serverkey, s.curve_publickey, s.curve_secretkey = server_key, public, secret
        s.connect(endpoint)

    def send(self, word, seq, monitor, body, timeout=10):
        if not self.socket.poll(timeout * 1000, zmq.POLLOUT):
            raise TimeoutError("not connected")
        frames = [word, str(seq), str(monitor), json.dumps(body)]
        self.socket.send_multipart([f.encode() for f in frames], zmq.NOBLOCK)

    def receive(self, timeout):
        """(type, sequence, monitor, body), or None."""
        if not self.socket.poll(timeout * 1000):
            return None
        frames = self.socket.recv_multipart()
        assert len(frames) == 4, frames
        word, seq, monitor, body = (f.decode() for f in frames)
        return word, int(seq), int(monitor or 0), json.loads(body)

    def close(self):
        self.socket.close()
        self.context.term()
