import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type { LmappError } from '../errors/lmapp-error.ts'
import type { Plugin } from './plugin.ts'
import { servePlugin } from './plugin-server.ts'
import { takeStdout } from './take-stdout.ts'

/** What a backend has to end in; the host waits a little longer before it uses force. */
const disposeDeadlineMs = 4000

/**
 * The main program of a plugin: answers the host on stdin and stdout until stdin ends or SIGTERM comes, disposes the
 * backend, and exits. Call it first of all and import what is heavy, or might print, in `open`.
 */
export async function serve(plugin: Plugin): Promise<void> {
  const { output, flush } = takeStdout()
  const server = servePlugin(plugin, process.stdin, output)
  const broken = await Promise.race([server.closed, once(process, 'SIGTERM').then(() => undefined)])
  if (broken) report(plugin, `The line from the host broke: ${broken.message}${toQuotation(broken)}`)

  const ending = dispose(plugin, server).then((clean) => flush().then(() => clean))
  const clean = await Promise.race([ending, delay(disposeDeadlineMs, false, { ref: true })])
  process.exit(clean && !broken ? 0 : 1)
}

async function dispose(plugin: Plugin, server: AsyncDisposable): Promise<boolean> {
  try {
    await server[Symbol.asyncDispose]()
    return true
  } catch (error) {
    report(plugin, `It did not end cleanly: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
    return false
  }
}

function report(plugin: Plugin, text: string): void {
  process.stderr.write(`${plugin.name} ${plugin.version}: ${text}\n`)
}

/** The beginning of the line, when it is a line that is wrong. */
function toQuotation({ details }: LmappError): string {
  return typeof details?.line === 'string' ? ` It begins: ${JSON.stringify(details.line)}` : ''
}
