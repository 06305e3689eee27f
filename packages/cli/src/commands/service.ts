import type { LmappClient } from 'lmapp-client'
import { isLmappError } from 'lmapp-kit'
import type { Arguments } from '../arguments/parse-arguments.ts'
import { parseCount } from '../arguments/parse-count.ts'
import type { CommandContext } from '../context.ts'
import { readTail } from '../input/read-tail.ts'
import { formatTime } from '../output/format.ts'
import { printNotice } from '../output/print-error.ts'
import { printJson } from '../output/print-json.ts'
import { toFields } from '../output/table.ts'
import { findPlaces } from '../service/service-places.ts'

/** `address` is where TCP is open, null where it is not. */
export async function serviceStatus(context: CommandContext, args: Arguments): Promise<number> {
  const health = await whenRunning(context, (client) => client.health())
  if (args.has('json')) {
    const none = { pid: null, version: null, address: null, since: null, activeRuns: 0, queuedRuns: 0 }
    await printJson(context.stdout, { running: health !== undefined, ...none, ...health })
    return 0
  }
  if (!health) {
    await context.stdout.write('The service does not run; it starts when it is needed.\n')
    return 0
  }
  const fields: [string, string][] = [
    ['Runs since', formatTime(health.since)],
    ['Process', String(health.pid)],
    ['Version', health.version],
    ['Mode', health.foreground ? 'foreground (lmapp serve)' : 'background'],
    ['Address', health.address ?? 'private socket only'],
    ['Answers', `${health.activeRuns} running, ${health.queuedRuns} waiting`],
  ]
  await context.stdout.write(toFields(fields, context.stdout.columns))
  return 0
}

export async function stopService(context: CommandContext, args: Arguments): Promise<number> {
  const stopped = await whenRunning(context, async (client) => {
    await client.stopService()
    return true
  })
  if (args.has('json')) await printJson(context.stdout, { stopped: stopped === true })
  else await context.stdout.write(stopped ? 'The service has stopped.\n' : 'The service does not run.\n')
  return 0
}

export async function serviceLogs(context: CommandContext, args: Arguments): Promise<number> {
  const lines = parseCount('lines', args.value('lines'), { least: 1, default: 100 })
  const { serviceLogFile } = findPlaces(context.environment)
  const log = await readTail(serviceLogFile, lines)
  if (log) await context.stdout.write(log)
  else await printNotice(context.stderr, `There is no log yet: ${serviceLogFile}`)
  return 0
}

/** Undefined when no service runs: it is not started for this. */
async function whenRunning<Result>(
  context: CommandContext,
  ask: (client: LmappClient) => Promise<Result>,
): Promise<Result | undefined> {
  try {
    const connection = await context.connect({ start: false })
    try {
      return await ask(connection.client)
    } finally {
      await connection.close()
    }
  } catch (error) {
    if (isLmappError(error, 'service-unavailable') && error.details?.stage === 'connect') return undefined
    throw error
  }
}
