import { LmappError, type RunEnd, type RunSnapshot, type Status, type Warning } from 'lmapp-kit'
import type { CommandContext } from '../context.ts'
import { type Output, readerLeft } from '../output/output.ts'
import { printError, printNotice } from '../output/print-error.ts'
import { toOneLine, toTerminalText } from '../output/sanitize.ts'
import { createSaidPhases, createStatusLine, noStatusLine } from '../output/status-line.ts'
import { wrap } from '../output/table.ts'
import { displayWidth } from '../output/width.ts'
import type { AnswerLook } from './answer-look.ts'
import { createAnswerText } from './answer-text.ts'
import { describeAnswer, describeContext, isNearlyFull } from './describe-usage.ts'
import { endNotice, exitCodeOfEnd, unsavedHint } from './end-notice.ts'
import { createCodeExtractor } from './extract-code.ts'
import type { RunPrinter } from './printer.ts'

export interface AnswerPrinterOptions {
  quiet: boolean
  hideReasoning: boolean
  /** Only the first code block. */
  extract: boolean
  /** What to type to go on with an answer that was cut; absent: nobody can. */
  goOn?: string
  /** Of the answer on stdout. Absent: as it comes. */
  look?: AnswerLook
  /** Says who answers, before the answer. */
  namesSpeaker?: boolean
  /** What to type when the context is nearly full, or too short. */
  makeRoom?: string
}

/** The answer on stdout, as it comes; everything else on stderr. */
export function createAnswerPrinter(context: CommandContext, options: AnswerPrinterOptions): RunPrinter {
  const { stdout, stderr } = context
  const { look = 'text' } = options
  const status = options.quiet ? noStatusLine : look === 'plain' ? createSaidPhases(stderr) : createStatusLine(stderr)
  const extractor = options.extract ? createCodeExtractor() : undefined
  const answer = createAnswerText(context, look)
  const sharesTerminal = stdout.isTerminal && stderr.isTerminal
  let model = ''
  let conversation: string | undefined
  let thinking = ''

  async function writeAnswer(text: string): Promise<void> {
    if (text === '') return
    status.clear()
    await endReasoning()
    if (options.namesSpeaker && !answer.hasBegun) await stdout.write(`${toOneLine(model)}:\n`)
    await answer.write(text)
  }

  async function writeReasoning(text: string): Promise<void> {
    if (options.quiet || options.hideReasoning || text === '' || readerLeft(stdout)) return
    status.clear()
    await answer.stepAside()
    thinking = text
    await stderr.write(stderr.style('dim', stderr.isTerminal ? toTerminalText(text) : text))
  }

  async function endReasoning(): Promise<void> {
    if (thinking === '') return
    const blank = thinking.endsWith('\n') ? '\n' : '\n\n'
    thinking = ''
    await stderr.write(blank)
  }

  /** What was there before is not printed again; a terminal shows where it goes on. */
  async function showSnapshot({ text, status: phase }: RunSnapshot): Promise<void> {
    if (sharesTerminal && !options.quiet && text !== '') {
      const tail = toOneLine(text.slice(-200)).slice(-60)
      await stderr.write(stderr.style('dim', `… ${tail}${/\s$/.test(text) ? ' ' : ''}`))
      await answer.goOnFrom(text)
    }
    if (phase && !answer.hasBegun) status.show(phase)
  }

  /** In the middle of the answer only what is new there: that a model which takes over has to load first. */
  async function showStatus(event: Status): Promise<void> {
    if (thinking !== '') return
    if (sharesTerminal && answer.hasBegun) {
      if (look === 'text' || event.phase === 'generating') return
      await answer.stepAside()
    }
    status.show(event)
  }

  async function notice(message: string): Promise<void> {
    if (options.quiet || readerLeft(stdout)) return
    await startLine()
    await printNotice(stderr, message)
  }

  async function warn({ code, message }: Warning): Promise<void> {
    const isShort = code === 'context-near-limit' || code === 'context-truncated'
    await notice(`warning: ${message}${isShort && options.makeRoom !== undefined ? ` ${options.makeRoom}` : ''}`)
  }

  /** So that a line on stderr does not begin in the middle of the answer's last line. */
  async function startLine(): Promise<void> {
    status.clear()
    await endReasoning()
    await answer.stepAside()
  }

  /** Where the context is too short, room can be made in more than one way. */
  function withRoom<Said extends { hint: string }>(said: Said, code: string | undefined): Said {
    const isShort = code === 'context-overflow' || code === 'prompt-truncated'
    return isShort && options.makeRoom !== undefined ? { ...said, hint: `${said.hint}\n${options.makeRoom}` } : said
  }

  async function endAnswer(): Promise<void> {
    status.clear()
    if (extractor) await writeAnswer(extractor.end())
    await answer.end()
    await endReasoning()
  }

  async function printEnd(end: RunEnd): Promise<void> {
    await endAnswer()
    if (readerLeft(stdout)) return
    const said = endNotice(end, { kept: conversation !== undefined, ...(options.goOn && { goOn: options.goOn }) })
    if (said?.kind === 'error') await printError(stderr, withRoom(said, end.error?.code))
    else if (said && !options.quiet) await printNotice(stderr, `${said.message} ${said.hint}`.trimEnd())
    if (!stderr.isTerminal || options.quiet || end.state === 'failed') return
    const columns = look === 'plain' ? Number.POSITIVE_INFINITY : stderr.columns
    await stderr.write(`${toUsageLine(stderr, { model, end, columns })}\n`)
    if (options.makeRoom !== undefined && isNearlyFull(end.usage)) {
      await printNotice(stderr, `The context is nearly full. ${options.makeRoom}`)
    }
  }

  return {
    async print(event) {
      switch (event.type) {
        case 'start':
        case 'snapshot':
          model = event.model
          conversation = event.conversation
          return event.type === 'snapshot' ? showSnapshot(event) : undefined
        case 'text-delta':
          return writeAnswer(extractor ? extractor.push(event.text) : event.text)
        case 'reasoning-delta':
          return writeReasoning(event.text)
        case 'status':
          return showStatus(event)
        case 'tool-call':
          return notice(`The model wants to call ${event.name}(${toOneLine(event.arguments)}).`)
        case 'warning':
          return warn(event)
        case 'handover':
          model = event.to
          return notice(`${event.from} failed: ${event.reason.message} ${event.to} carries on.`)
        default:
          return event satisfies never
      }
    },
    async end(end) {
      await printEnd(end)
      if (end.state !== 'complete' || !extractor || extractor.found) return exitCodeOfEnd(end)
      const none = new LmappError('answer-empty', 'There is no code block in the answer.', {
        hint: conversation === undefined ? unsavedHint : `See all of it: lmapp history show ${conversation}`,
      })
      await printError(stderr, none)
      return none.entry.exit
    },
    async fail(error) {
      await endAnswer()
      if (!readerLeft(stdout)) await printError(stderr, error)
    },
    async leave() {
      status.clear()
      await answer.leave()
    },
  }
}

/** Dim; a context that is nearly full is not. Broken between words, at most so many cells wide. */
function toUsageLine(
  { style }: Output,
  { model, end, columns }: { model: string; end: RunEnd; columns: number },
): string {
  const context = describeContext(end.usage)
  const rows = wrapFacts(describeAnswer(model, end), columns)
  if (context === '') return style('dim', rows.join('\n'))
  const fits = displayWidth(`${rows.at(-1)} · ${context}`) <= columns
  const above = style('dim', `${rows.join('\n')}${fits ? ' · ' : ''}`)
  return `${above}${fits ? '' : '\n'}${style(isNearlyFull(end.usage) ? 'red' : 'dim', context)}`
}

/** Breaks only between facts, which `·` stands between. */
function wrapFacts(facts: string, columns: number): string[] {
  const whole = facts.split(' · ').map((fact) => fact.replaceAll(' ', '\u00a0'))
  return wrap(whole.join(' · '), columns).map((row) => row.replaceAll('\u00a0', ' '))
}
