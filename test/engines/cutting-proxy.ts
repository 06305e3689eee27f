import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** Stands before an engine, byte for byte, and can break off its answer after a number of tokens. */
export interface CuttingProxy extends AsyncDisposable {
  url: string
  /** Of the next answer: after so many tokens its connection breaks. */
  cutAfter(tokens: number): void
}

export interface CuttingProxyOptions {
  /** Of the engine, on loopback. */
  url: string
  /** What ends a message of its stream. */
  ending: '\n' | '\n\n'
}

/** A message that carries a token, in the words of all engines that are tried here. */
const token = /"(content|response)":"(?!")/

export async function openCuttingProxy({ url, ending }: CuttingProxyOptions): Promise<CuttingProxy> {
  const { port } = new URL(url)
  const sockets = new Set<Socket>()
  let left = Number.POSITIVE_INFINITY

  const server = createServer((client) => {
    const engine = connect(Number(port), '127.0.0.1')
    let message = ''
    for (const socket of [client, engine]) {
      sockets.add(socket)
      socket
        .on('error', () => {})
        .on('close', () => {
          sockets.delete(socket)
          client.destroy()
          engine.destroy()
        })
    }
    client.pipe(engine)
    engine.on('data', (bytes) => {
      const text = bytes.toString('latin1')
      for (let index = 0; index < text.length; index += 1) {
        message += text[index]
        if (!message.endsWith(ending)) continue
        if (token.test(message)) left -= 1
        message = ''
        if (left > 0) continue
        left = Number.POSITIVE_INFINITY
        engine.destroy()
        client.end(bytes.subarray(0, index + 1))
        return
      }
      client.write(bytes)
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cutAfter(tokens) {
      left = tokens
    },
    async [Symbol.asyncDispose]() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}
