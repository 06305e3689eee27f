import type { LmappClient, PullEvent } from 'lmapp-client'
import { isLmappError, LmappError, type Progress, type Status } from 'lmapp-kit'
import type { Arguments } from '../arguments/parse-arguments.ts'
import { type CommandContext, withService } from '../context.ts'
import { confirm } from '../input/confirm.ts'
import { formatBytes, formatDuration } from '../output/format.ts'
import { printNotice } from '../output/print-error.ts'
import { createStatusLine, noStatusLine } from '../output/status-line.ts'
import { exitCodeOfSignal, stopBySignal } from '../signals.ts'
import { isOffline } from './chat.ts'
import { explainFit } from './model-text.ts'

/** The small default model is fetched without a question; anything else is asked about, or needs `--yes`. */
export async function pullModel(context: CommandContext, args: Arguments): Promise<number> {
  const [ref = ''] = args.operands
  if (ref.trim() === '')
    throw new LmappError('bad-input', 'The name is empty.', { hint: 'See: lmapp models pull --help' })
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
  const speed = createSpeedometer()
  using stop = stopBySignal(context.signals)
  try {
    const request = { model: ref, ...(isOffline(context.environment) && { offline: true }) }
    for await (const event of client.pullModel(request, { signal: stop.signal })) {
      if (asJson) await context.stdout.write(`${JSON.stringify(event)}\n`)
      else if (event.type === 'progress') {
        const words = context.stderr.canRedraw ? speed.tell(event.progress) : ''
        status.show(toStatus(event, ref, words))
      } else if (event.type === 'done') {
        status.clear()
        await context.stdout.write(`${event.ref} is ready. Use it: lmapp -m ${event.ref} "…"\n`)
        await tellFit(context, client, event.ref)
      }
    }
    return 0
  } catch (error) {
    status.clear()
    if (stop.by) {
      if (!asJson)
        await printNotice(context.stderr, `Stopped. What arrived is kept; go on: lmapp models pull --yes ${ref}`)
      return exitCodeOfSignal[stop.by]
    }
    if (asJson && isLmappError(error)) {
      await context.stdout.write(`${JSON.stringify({ type: 'error', error: error.toData() })}\n`)
    }
    throw error
  }
}

function toStatus({ status, progress }: Extract<PullEvent, { type: 'progress' }>, ref: string, words: string): Status {
  const message = [status || ref, words].filter(Boolean).join(' · ')
  return { type: 'status', phase: 'fetching', message, ...(progress && { progress }) }
}

/** What is here and cannot be loaded is told before somebody tries. */
async function tellFit(context: CommandContext, client: LmappClient, ref: string): Promise<void> {
  try {
    const { fit } = await client.showModel(ref)
    if (fit)
      await printNotice(
        context.stderr,
        `On this machine it ${fit.state === 'too-large' ? 'is ' : ''}${explainFit(fit)}.`,
      )
  } catch (error) {
    if (!isLmappError(error)) throw error
  }
}

const measuredMs = 1_000

/** Speed and time left, over the last seconds; said anew once a second, so that it can be read. */
export function createSpeedometer(now: () => number = () => performance.now()) {
  let last: { at: number; done: number } | undefined
  let bytesPerMs = 0
  let words = ''
  return {
    tell(progress: Progress | undefined): string {
      if (progress?.unit !== 'bytes') return ''
      const { done, total } = progress
      if (!last || done < last.done) [last, bytesPerMs, words] = [{ at: now(), done }, 0, '']
      const tookMs = now() - last.at
      if (tookMs < measuredMs) return words
      const latest = (done - last.done) / tookMs
      bytesPerMs = bytesPerMs === 0 ? latest : 0.7 * bytesPerMs + 0.3 * latest
      last = { at: now(), done }
      const left = total !== undefined && bytesPerMs > 0 ? `, ${formatDuration((total - done) / bytesPerMs)} left` : ''
      words = bytesPerMs > 0 ? `${formatBytes(bytesPerMs * 1000)}/s${left}` : ''
      return words
    },
  }
}
