import type { LmappClient } from 'lmapp-client'
import type { CommandContext, Connection } from '../context.ts'

/** The connection of one command: opened when it is first needed, opened anew when it broke. */
export interface Session {
  client(): Promise<LmappClient>
  /** Leaves the old connection and opens another, to a service that is started if need be. */
  reconnect(): Promise<LmappClient>
  close(): Promise<void>
}

export function createSession(context: CommandContext): Session {
  let opening: Promise<Connection> | undefined
  let opened: Connection | undefined

  async function open(): Promise<LmappClient> {
    opening ??= context.connect({ start: true })
    opened = await opening
    return opened.client
  }

  /** One that is still being opened is not waited for. */
  async function close(): Promise<void> {
    if (!opened) opening?.then((late) => late.close()).catch(() => {})
    const connection = opened
    opening = undefined
    opened = undefined
    await connection?.close()
  }

  return {
    client: open,
    async reconnect() {
      await close()
      return open()
    },
    close,
  }
}
