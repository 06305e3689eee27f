import { EventEmitter } from 'node:events'
import { tmpdir } from 'node:os'
import { Readable } from 'node:stream'
import type { CommandContext, Connection } from '../context.ts'
import type { InputKind } from '../input/input.ts'
import { openSignals, type StopSignal } from '../signals.ts'
import { createTestOutput, type TestOutput, type TestOutputOptions } from './test-output.ts'

export interface TestContextOptions {
  environment?: NodeJS.ProcessEnv
  directory?: string
  /** What is piped in; absent: stdin is a terminal. */
  stdin?: string | Buffer | Readable
  stdinKind?: InputKind
  stdout?: TestOutputOptions
  stderr?: TestOutputOptions
  connect?: (options: { start: boolean }) => Promise<Connection>
}

export interface TestContext extends CommandContext {
  readonly stdout: TestOutput
  readonly stderr: TestOutput
  /** As the system would send it. */
  send(signal: StopSignal): void
}

/** A command's outside, in memory. Without `connect` the service cannot be reached. */
export function createTestContext(options: TestContextOptions = {}): TestContext {
  const source = new EventEmitter()
  const kind = options.stdinKind ?? (options.stdin === undefined ? 'terminal' : 'pipe')
  const stream = options.stdin instanceof Readable ? options.stdin : Readable.from([Buffer.from(options.stdin ?? '')])
  return {
    environment: { LMAPP_TERMINAL: 'test', ...options.environment },
    directory: options.directory ?? tmpdir(),
    platform: process.platform,
    stdin: { kind, stream: stream as unknown as NodeJS.ReadStream },
    stdout: createTestOutput(options.stdout),
    stderr: createTestOutput(options.stderr),
    signals: openSignals(source, () => {}),
    connect: options.connect ?? (() => Promise.reject(new Error('This test has no service.'))),
    send: (signal) => source.emit(signal),
  }
}
