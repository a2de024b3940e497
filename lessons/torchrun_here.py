"""``torchrun --standalone``, heard by this machine only.

    python lessons/torchrun_here.py --nproc-per-node 2 lessons/train_distributed.py --checkpoint run.pt

torchrun's notice board listens on all addresses of a machine, because others might want to join. Here
nobody is to join, and a firewall may ask what this is; so everything listens on 127.0.0.1 alone.
"""

import os
import socket
import sys

import torch.distributed as dist


class NoticeBoard(dist.TCPStore):
    """A TCPStore whose server listens on 127.0.0.1, and nowhere else."""

    def __init__(self, host_name: str, port: int, is_master: bool = False, **more) -> None:
        if is_master:
            listening = socket.create_server(("127.0.0.1", port))
            port = listening.getsockname()[1]
            # the store closes the socket; its older engine takes one in every version, libuv's does not
            more |= {"master_listen_fd": listening.detach(), "use_libuv": False}
        super().__init__(host_name, port, is_master=is_master, **more)


def main() -> None:
    dist.TCPStore = NoticeBoard  # before torchrun takes it from there
    from torch.distributed import run

    loopback = "lo0" if sys.platform == "darwin" else "lo"
    for language in ("GLOO", "NCCL"):  # tensors travel by the loopback, too
        os.environ.setdefault(f"{language}_SOCKET_IFNAME", loopback)
    run.main(["--standalone", "--local-addr", "127.0.0.1", *sys.argv[1:]])


if __name__ == "__main__":
    main()
