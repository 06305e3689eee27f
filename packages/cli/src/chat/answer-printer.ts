import { LmappError, type RunEnd, type RunSnapshot } from 'lmapp-kit'
import type { CommandContext } from '../context.ts'
import { readerLeft } from '../output/output.ts'
import { printError, printNotice } from '../output/print-error.ts'
import { toOneLine, toTerminalText } from '../output/sanitize.ts'
import { createStatusLine, noStatusLine } from '../output/status-line.ts'
import { describeUsage } from './describe-usage.ts'
import { endNotice, exitCodeOfEnd, unsavedHint } from './end-notice.ts'
import { createCodeExtractor } from './extract-code.ts'
import type { RunPrinter } from './printer.ts'

export interface AnswerPrinterOptions {
  quiet: boolean
  hideReasoning: boolean
  /** Only the first code block. */
  extract: boolean
  /** What to type to go on with an answer that was cut. */
  goOn: string
}

/** The answer on stdout, as it comes; everything else on stderr. */
export function createAnswerPrinter(context: CommandContext, options: AnswerPrinterOptions): RunPrinter {
  const { stdout, stderr } = context
  const status = options.quiet ? noStatusLine : createStatusLine(stderr)
  const extractor = options.extract ? createCodeExtractor() : undefined
  const sharesTerminal = stdout.isTerminal && stderr.isTerminal
  let model = ''
  let conversation: string | undefined
  /** Last character on stdout; empty: nothing was written yet. */
  let last = ''
  let thinking = ''

  async function writeAnswer(text: string): Promise<void> {
    if (text === '') return
    status.clear()
    await endReasoning()
    last = text.at(-1) ?? last
    await stdout.write(stdout.isTerminal ? toTerminalText(text) : text)
  }

  async function writeReasoning(text: string): Promise<void> {
    if (options.quiet || options.hideReasoning || text === '' || readerLeft(stdout)) return
    status.clear()
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
      last = ' '
    }
    if (phase && last === '') status.show(phase)
  }

  async function notice(message: string): Promise<void> {
    if (options.quiet || readerLeft(stdout)) return
    await startLine()
    await printNotice(stderr, message)
  }

  /** So that a line on stderr does not begin in the middle of the answer's last line. */
  async function startLine(): Promise<void> {
    status.clear()
    await endReasoning()
    if (sharesTerminal && last !== '' && last !== '\n') await stderr.write('\n')
    if (sharesTerminal) last = last && '\n'
  }

  async function endAnswer(): Promise<void> {
    status.clear()
    if (extractor) await writeAnswer(extractor.end())
    if (last !== '' && last !== '\n') await stdout.write('\n')
    if (last !== '') last = '\n'
    await endReasoning()
  }

  async function printEnd(end: RunEnd): Promise<void> {
    await endAnswer()
    if (readerLeft(stdout)) return
    const said = endNotice(end, { kept: conversation !== undefined, goOn: options.goOn })
    if (said?.kind === 'error') await printError(stderr, said)
    else if (said && !options.quiet) await printNotice(stderr, `${said.message} ${said.hint}`.trimEnd())
    if (stderr.isTerminal && !options.quiet && end.state !== 'failed') {
      await stderr.write(`${stderr.style('dim', describeUsage(model, end))}\n`)
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
          if (!(sharesTerminal && last !== '') && thinking === '') status.show(event)
          return
        case 'tool-call':
          return notice(`The model wants to call ${event.name}(${toOneLine(event.arguments)}).`)
        case 'warning':
          return notice(`warning: ${event.message}`)
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
    leave: () => status.clear(),
  }
}
