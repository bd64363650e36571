"""A relay in user space between two programs, for networks that stop carrying without saying so."""
import asyncio
import threading


class Relay:
    """Forwards connections of 127.0.0.1:port to another port. freeze() leaves every connection there is
    open and forwards nothing more of it; with is_deaf, new ones neither."""

    def __init__(self, target_port):
        self.target_port = target_port
        self.generation = 0
        self.is_deaf = False
        self.loop = asyncio.new_event_loop()
        started = threading.Event()
        self.thread = threading.Thread(target=self.run, args=(started,), daemon=True)
        self.thread.start()
        started.wait()
        self.port = self.server.sockets[0].getsockname()[1]

    def run(self, started):
        asyncio.set_event_loop(self.loop)
        self.server = self.loop.run_until_complete(asyncio.start_server(self.serve, "127.0.0.1", 0))
        started.set()
        self.loop.run_forever()

    async def serve(self, reader, writer):
        generation = self.generation
        while self.is_deaf:
            await asyncio.sleep(0.05)
        if generation != self.generation:
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(self.carry(reader, far_writer, generation), self.carry(far_reader, writer, generation))

    async def carry(self, reader, writer, generation):
        try:
            while data := await reader.read(65536):
                while generation != self.generation:
                    await asyncio.sleep(3600)
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        writer.close()

    def freeze(self, is_deaf):
        self.generation += 1
        self.is_deaf = is_deaf

    def thaw(self):
        """New connections are forwarded again; the old ones stay as they are."""
        self.generation += 1
        self.is_deaf = False

    def stop(self):
        async def end():
            tasks = asyncio.all_tasks(self.loop) - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.loop.stop()
        asyncio.run_coroutine_threadsafe(end(), self.loop)
        self.thread.join()
