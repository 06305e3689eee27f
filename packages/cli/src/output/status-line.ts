import type { Progress, Status } from 'lmapp-kit'
import { formatBytes, formatCount, formatDuration } from './format.ts'
import type { Output } from './output.ts'
import { toOneLine } from './sanitize.ts'
import { fitWidth } from './width.ts'

/** Where the work stands, until the next thing is printed. */
export interface StatusLine {
  show(status: Status): void
  /** Takes the line away before something else is written. */
  clear(): void
}

const redrawMs = 80
const tickMs = 1000

/**
 * One line that overwrites itself on a terminal. Elsewhere only a fetch is told, a line for every tenth of it.
 * `clear` ends its timer.
 */
export function createStatusLine(stderr: Output, now: () => number = () => performance.now()): StatusLine {
  return stderr.canRedraw ? createRedrawnLine(stderr, now) : createPlainLines(stderr)
}

export const noStatusLine: StatusLine = { show: () => {}, clear: () => {} }

function createRedrawnLine(stderr: Output, now: () => number): StatusLine {
  let current: Status | undefined
  let phaseSince = 0
  let drawnAt = Number.NEGATIVE_INFINITY
  let timer: NodeJS.Timeout | undefined

  function draw(): void {
    if (!current) return
    drawnAt = now()
    const waited = drawnAt - phaseSince
    const elapsed = waited >= 2 * tickMs && current.phase !== 'generating' ? ` · ${formatDuration(waited)}` : ''
    const text = fitWidth(`${describeStatus(current)}${elapsed}`, stderr.columns - 1)
    void stderr.write(`\r\u001b[K${stderr.style('dim', text)}`)
  }

  /** What will be fetched, how large and under which licence, must stay readable. */
  function announce(message: string): void {
    void stderr.write(`\r\u001b[Klmapp: ${toOneLine(message)}\n`)
  }

  return {
    show(status) {
      if (status.phase === 'fetching' && !status.progress && status.message) return announce(status.message)
      const changed = current?.phase !== status.phase || current.message !== status.message
      if (current?.phase !== status.phase) phaseSince = now()
      current = status
      if (changed || now() - drawnAt >= redrawMs) draw()
      timer ??= setInterval(draw, tickMs).unref()
    },
    clear() {
      clearInterval(timer)
      timer = undefined
      if (!current) return
      current = undefined
      drawnAt = Number.NEGATIVE_INFINITY
      void stderr.write('\r\u001b[K')
    },
  }
}

/** For a screen reader: each phase is said when it begins, once, and never taken back. */
export function createSaidPhases(stderr: Output): StatusLine {
  const said = new Set<string>()
  return {
    show(status) {
      const { phase, message = '' } = status
      const key = phase === 'fetching' ? `${phase} ${message}` : phase
      if (phase === 'generating' || said.has(key)) return
      said.add(key)
      void stderr.write(`lmapp: ${describeStatus({ type: 'status', phase, ...(message && { message }) })}\n`)
    },
    clear() {},
  }
}

function createPlainLines(stderr: Output): StatusLine {
  let told: string | undefined
  return {
    show(status) {
      if (status.phase !== 'fetching') return
      const { done = 0, total = 0 } = status.progress ?? {}
      const step = `${status.message}:${total > 0 ? Math.floor((10 * done) / total) : Math.floor(done / 50e6)}`
      if (step === told) return
      told = step
      void stderr.write(`lmapp: ${describeStatus(status)}\n`)
    },
    clear() {},
  }
}

const phaseWords: Record<Status['phase'], string> = {
  queued: 'waiting for its turn',
  connecting: 'connecting',
  fetching: 'fetching',
  loading: 'loading the model',
  prompt: 'reading the prompt',
  generating: 'answering',
}

/** `fetching · smollm2 · 43 % of 98 MB` */
export function describeStatus({ phase, message, progress }: Status): string {
  const words = [phaseWords[phase] ?? phase, message && toOneLine(message), progress && describeProgress(progress)]
  return words.filter(Boolean).join(' · ')
}

function describeProgress({ done, total, unit }: Progress): string {
  if (unit === 'percent') return `${Math.round(done)} %`
  if (unit === 'bytes') {
    return total ? `${Math.floor((100 * done) / total)} % of ${formatBytes(total)}` : formatBytes(done)
  }
  const count = total === undefined ? formatCount(done) : `${formatCount(done)}/${formatCount(total)}`
  return unit === 'tokens' ? `${count} tokens` : count
}
