import type { LmappClient, PullEvent } from 'lmapp-client'
import { isLmappError } from 'lmapp-kit'
import type { Arguments } from '../arguments/parse-arguments.ts'
import { type CommandContext, withService } from '../context.ts'
import { confirm } from '../input/confirm.ts'
import { formatBytes } from '../output/format.ts'
import { printNotice } from '../output/print-error.ts'
import { createStatusLine, noStatusLine } from '../output/status-line.ts'
import { exitCodeOfSignal, type StopSignal } from '../signals.ts'
import { isOffline } from './chat.ts'

/** The small default model is fetched without a question; anything else is asked about, or needs `--yes`. */
export async function pullModel(context: CommandContext, args: Arguments): Promise<number> {
  const [ref = ''] = args.operands
  const known = await findInCatalogue(ref)
  if (!args.has('yes') && !known?.isDefault) {
    const size = known ? ` (${formatBytes(known.sizeBytes)}, ${known.license})` : ''
    const agreed = await confirm(context, `Fetch ${ref}${size}?`, `lmapp models pull --yes ${ref}`)
    if (!agreed) {
      await printNotice(context.stderr, 'Nothing was fetched.')
      return 0
    }
  }
  return withService(context, (client) => pull(context, args, { client, ref }))
}

async function findInCatalogue(ref: string) {
  const { standardCatalogue } = await import('@lmapp/core/models')
  const index = standardCatalogue.findIndex(({ name }) => ref === name || ref === `embedded/${name}`)
  const entry = standardCatalogue[index]
  return entry && { ...entry, isDefault: index === 0 }
}

async function pull(context: CommandContext, args: Arguments, what: { client: LmappClient; ref: string }) {
  const { client, ref } = what
  const asJson = args.has('json')
  const status = asJson || args.has('quiet') ? noStatusLine : createStatusLine(context.stderr)
  const stopping = new AbortController()
  let stoppedBy: StopSignal | undefined
  const release = context.signals.listen((signal) => {
    stoppedBy = signal
    stopping.abort()
  })
  try {
    const request = { model: ref, ...(isOffline(context.environment) && { offline: true }) }
    for await (const event of client.pullModel(request, { signal: stopping.signal })) {
      if (asJson) await context.stdout.write(`${JSON.stringify(event)}\n`)
      else if (event.type === 'progress') status.show(toStatus(event, ref))
      else if (event.type === 'done') {
        status.clear()
        await context.stdout.write(`${event.ref} is ready. Use it: lmapp -m ${event.ref} "…"\n`)
      }
    }
    return 0
  } catch (error) {
    status.clear()
    if (stoppedBy) {
      if (!asJson) await printNotice(context.stderr, 'Stopped. The same command goes on where it stopped.')
      return exitCodeOfSignal[stoppedBy]
    }
    if (asJson && isLmappError(error)) {
      await context.stdout.write(`${JSON.stringify({ type: 'error', error: error.toData() })}\n`)
    }
    throw error
  } finally {
    release()
  }
}

function toStatus({ status, progress }: Extract<PullEvent, { type: 'progress' }>, ref: string) {
  return { type: 'status', phase: 'fetching', message: status || ref, ...(progress && { progress }) } as const
}
