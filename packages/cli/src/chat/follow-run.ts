import type { CreatedRun, CreateRun, LmappClient } from 'lmapp-client'
import { isLmappError, type NumberedRunEvent, type RunEnd } from 'lmapp-kit'
import type { CommandContext } from '../context.ts'
import { exitCodeOfSignal } from '../signals.ts'
import type { RunPrinter } from './printer.ts'
import { crashed, type RunProgress, rejoinRun } from './rejoin-run.ts'
import type { Session } from './session.ts'
import { openStop, type Stop, type StopReason } from './stop.ts'

export interface FollowRunOptions {
  context: CommandContext
  session: Session
  printer: RunPrinter
  /** Creates the run, or joins one. */
  open(client: LmappClient): Promise<CreatedRun>
  /** What a run takes over that has to go on after the service died. */
  request: Pick<CreateRun, 'terminal' | 'failover' | 'offline'>
}

export interface FollowedRun {
  conversation?: string
  message?: string
  /** `backend/model` that answered last. */
  model?: string
  /** The whole answer as far as it arrived. */
  text: string
  /** Absent when the command left before it came, or failed. */
  end?: RunEnd
  stoppedBy?: StopReason
  exitCode: number
}

/** With which the interactive chat ends; undefined: it goes on, also after Ctrl-C. */
export function leavingCode({ stoppedBy, exitCode }: FollowedRun): number | undefined {
  return stoppedBy === undefined || stoppedBy === 'SIGINT' ? undefined : exitCode
}

/** A service that dies again and again without a word between is given up. */
const mostRejoins = 3

/**
 * Shows a run from its creation to its end. SIGINT, SIGTERM and a reader of stdout that leaves cancel it, and its
 * stored end is waited for; a second SIGINT, and SIGHUP, leave at once. A connection that breaks is taken up again.
 * What goes wrong is printed, and is in the exit code; only bugs are thrown.
 */
export async function followRun(options: FollowRunOptions): Promise<FollowedRun> {
  const { context, session, printer } = options
  using stop = openStop(context, session)
  const progress: RunProgress = { id: '', seq: 0, text: '' }
  try {
    const client = await stop.orLeave(session.client())
    const run = client && (await openRun(client, options, stop))
    if (run) progress.id = run.id
    const end = run && (await stop.orLeave(showEvents(run.events, { ...options, progress, stop })))
    if (!end) await printer.leave()
    const exitCode = end ? await printer.end(end) : 0
    return { ...factsOf(progress), ...(end && { end }), ...stopped(stop.by, exitCode) }
  } catch (error) {
    if (!isLmappError(error)) throw error
    if (stop.by) await printer.leave()
    else await printer.fail(error.toData())
    return { ...factsOf(progress), ...stopped(stop.by, error.entry.exit) }
  }
}

async function openRun(client: LmappClient, options: FollowRunOptions, stop: Stop): Promise<CreatedRun | undefined> {
  const created = openOnce(client, options)
  stop.aimAt(created.then(({ id }) => id))
  return stop.orLeave(created)
}

/** A service that left for idleness since the last question is replaced; nothing was sent to it yet. */
async function openOnce(client: LmappClient, { open, session }: FollowRunOptions): Promise<CreatedRun> {
  try {
    return await open(client)
  } catch (error) {
    if (!isLmappError(error, 'service-unavailable') || error.details?.stage !== 'connect') throw error
    return open(await session.reconnect())
  }
}

interface ShowOptions extends FollowRunOptions {
  progress: RunProgress
  stop: Stop
}

async function showEvents(events: AsyncIterable<NumberedRunEvent>, options: ShowOptions): Promise<RunEnd> {
  const { progress } = options
  let source = events
  for (let rejoins = 0; rejoins <= mostRejoins; rejoins++) {
    const before = progress.seq
    const end = await showUntilLost(source, options)
    if (end) return end
    if (progress.seq > before) rejoins = 0
    source = rejoinRun(options)
  }
  throw crashed(progress)
}

/** The end, or undefined when the connection broke. */
async function showUntilLost(
  events: AsyncIterable<NumberedRunEvent>,
  { printer, progress, stop }: ShowOptions,
): Promise<RunEnd | undefined> {
  try {
    for await (const { seq, event } of events) {
      if (Number.isInteger(seq)) progress.seq = seq
      if (event.type === 'end') return event
      if (event.type === 'text-delta') progress.text += event.text
      if (event.type === 'start' || event.type === 'snapshot') {
        progress.message = event.message
        progress.model = event.model
        if (event.conversation !== undefined) progress.conversation = event.conversation
        if (event.type === 'snapshot') progress.text = event.text
      }
      if (event.type === 'handover') progress.model = event.to
      await printer.print(event)
    }
  } catch (error) {
    if (stop.by || !isLmappError(error, 'service-unavailable')) throw error
    return undefined
  }
  if (stop.by) throw crashed(progress)
  return undefined
}

function factsOf({
  conversation,
  message,
  model,
  text,
}: RunProgress): Pick<FollowedRun, 'conversation' | 'message' | 'model' | 'text'> {
  return {
    text,
    ...(conversation !== undefined && { conversation }),
    ...(message !== undefined && { message }),
    ...(model !== undefined && { model }),
  }
}

function stopped(by: StopReason | undefined, exitCode: number): Pick<FollowedRun, 'stoppedBy' | 'exitCode'> {
  if (!by) return { exitCode }
  return { stoppedBy: by, exitCode: by === 'reader-left' ? 0 : exitCodeOfSignal[by] }
}
