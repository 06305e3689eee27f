import type { LmappClient } from 'lmapp-client'
import type { Input } from './input/input.ts'
import type { Output } from './output/output.ts'
import type { Signals } from './signals.ts'

/** A way to the service. Closing it ends no run, unless the service is inside this process. */
export interface Connection {
  client: LmappClient
  close(): Promise<void>
}

/** All that a command has of the outside. Commands return an exit code and never exit by themselves. */
export interface CommandContext {
  readonly environment: NodeJS.ProcessEnv
  /** Where relative paths begin. */
  readonly directory: string
  readonly platform: NodeJS.Platform
  readonly stdin: Input
  readonly stdout: Output
  readonly stderr: Output
  readonly signals: Signals
  /** With `start: false` it rejects with `service-unavailable` when none runs. */
  connect(options: { start: boolean }): Promise<Connection>
}

/** Opens a connection for as long as `use` takes. */
export async function withService<Result>(
  context: CommandContext,
  use: (client: LmappClient) => Promise<Result>,
): Promise<Result> {
  const connection = await context.connect({ start: true })
  try {
    return await use(connection.client)
  } finally {
    await connection.close()
  }
}
