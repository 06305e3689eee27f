import { setImmediate } from 'node:timers/promises'
import { isLmappError } from 'lmapp-kit'
import type { CommandContext } from '../../../context.ts'
import { printError } from '../../../output/print-error.ts'
import { exitCodeOfSignal, type StopSignal } from '../../../signals.ts'
import type { ChatEditor, ChatEditorOptions, ReadResult } from './chat-editor.ts'
import { addChip, createPrompt, type Effect, type Prompt, press, showCandidates, takeEdited } from './prompt.ts'
import { createPromptScreen } from './screen/prompt-screen.ts'
import { watchSize } from './screen/size.ts'
import { openKeyboard } from './terminal/keyboard.ts'
import { findModes, findReflow } from './terminal/modes.ts'
import { createTypedSignals } from './terminal/typed-signals.ts'
import { createEditorState, toNextMessage } from './text/editor-state.ts'
import { createTypeAhead, type Input } from './type-ahead.ts'

/** One message on its way. */
interface Reading {
  prompt: Prompt
  end(result: ReadResult): void
}

/** Edits in place, on a terminal whose cursor can be moved. The keyboard is listened to until `close`. */
export function openTerminalEditor(context: CommandContext, options: ChatEditorOptions): ChatEditor {
  const { stdin, stdout, stderr, environment } = context
  const signals = createTypedSignals(context.signals)
  const screen = createPromptScreen(stdout, findReflow(environment))
  const ahead = createTypeAhead()
  let history = [...options.history]
  let state = createEditorState()
  let reading: Reading | undefined
  let isReleased = false
  /** Why the next read is the last one. */
  let leaving: ReadResult | undefined
  let isDeaf = false

  const keyboard = openKeyboard({
    stream: stdin.stream,
    modes: findModes(environment),
    write: (text) => void stdout.write(text),
    onKeys: take,
    onGone: () => leaveFor({ type: 'leave', exitCode: 0 }),
    onContinue() {
      isReleased = false
      screen.forget()
      if (reading) take(ahead.take())
    },
  })
  const unwatch = watchSize(stdout.stream, paint)

  function paint(): void {
    if (reading && !isReleased) screen.show(reading.prompt)
  }

  function leaveFor(result: ReadResult): void {
    leaving = result
    reading?.end(result)
  }

  /** One frame for all of them. */
  function take(inputs: readonly Input[]): void {
    for (const input of inputs) {
      if (reading && !isReleased) takeOne(reading, input)
      else takeIdle(input)
    }
    paint()
  }

  function takeOne(current: Reading, input: Input): void {
    if (input.type === 'chip') {
      current.prompt = addChip(current.prompt, input.chip)
      return
    }
    const { prompt, effect } = press(current.prompt, input, screen.columns)
    current.prompt = prompt
    if (effect) act(current, effect)
  }

  /** While an answer is written: Escape and Ctrl-C stop it, all else waits. */
  function takeIdle(input: Input): void {
    const name = input.type === 'chord' ? input.name : ''
    if (name === 'ctrl-z') suspend()
    else if (name === 'ctrl-c' || name === 'escape') stopWork(name)
    else ahead.add(input)
  }

  function stopWork(name: 'ctrl-c' | 'escape'): void {
    ahead.hold()
    if (signals.interrupt() || name === 'escape') return
    if (isDeaf) process.kill(process.pid, 'SIGINT')
    isDeaf = true
  }

  function act(current: Reading, effect: Effect): void {
    if (effect.type === 'send') current.end({ type: 'message', text: effect.text, chips: effect.chips })
    else if (effect.type === 'leave') current.end({ type: 'leave', exitCode: 0 })
    else if (effect.type === 'complete') void offer(current, effect)
    else if (effect.type === 'open-editor') void openEditor(current, effect.text)
    else if (effect.type === 'repaint') screen.clear()
    else suspend()
  }

  function suspend(): void {
    if (context.platform === 'win32') return
    paint()
    screen.leave()
    isReleased = true
    keyboard.suspend()
  }

  async function offer(current: Reading, asked: { text: string; cursor: number }): Promise<void> {
    const found = await options.complete(asked.text, asked.cursor).catch(() => undefined)
    if (!found || reading !== current) return
    current.prompt = showCandidates(current.prompt, asked, found)
    paint()
  }

  /** Ctrl-G: the message goes through the user's own editor. */
  async function openEditor(current: Reading, text: string): Promise<void> {
    paint()
    screen.leave()
    try {
      const edited = await release(async () => (await import('../../../input/editor.ts')).editText(text, context))
      current.prompt = takeEdited(current.prompt, edited)
    } catch (error) {
      if (!isLmappError(error)) throw error
      await printError(stderr, error)
    }
    paint()
  }

  /** Ctrl-C is for the other program; what would end this one waits until the terminal is back. */
  async function release<Result>(work: () => Promise<Result>): Promise<Result> {
    let told: StopSignal | undefined
    const stopListening = context.signals.listen((signal) => {
      if (signal !== 'SIGINT') told = signal
    })
    isReleased = true
    keyboard.detach()
    try {
      return await work()
    } finally {
      isReleased = false
      if (!leaving) keyboard.attach()
      stopListening()
      if (told) leaveFor({ type: 'leave', exitCode: exitCodeOfSignal[told] })
    }
  }

  /** What was typed before the terminal was in raw mode is there at once. */
  async function takeEarlyKeys(): Promise<void> {
    await setImmediate()
    await setImmediate()
    ahead.releaseEarly()
  }

  function beginReading(resolve: (result: ReadResult) => void): Reading {
    const stopListening = context.signals.listen((signal) => {
      if (signal === 'SIGINT') take([{ type: 'chord', name: 'ctrl-c' }])
      else leaveFor({ type: 'leave', exitCode: exitCodeOfSignal[signal] })
    })
    const current: Reading = {
      prompt: createPrompt(history, state),
      end(result) {
        stopListening()
        screen.finish(current.prompt)
        state = toNextMessage(current.prompt.state)
        reading = undefined
        isDeaf = false
        resolve(result)
      },
    }
    return current
  }

  keyboard.attach()
  const started = takeEarlyKeys()

  return {
    signals,
    release,
    async read() {
      await started
      if (leaving) return leaving
      const { promise, resolve } = Promise.withResolvers<ReadResult>()
      reading = beginReading(resolve)
      paint()
      take(ahead.take())
      return promise
    },
    remember(message) {
      history = [message, ...history.filter((each) => each !== message)]
    },
    insertChip: (chip) => take([{ type: 'chip', chip }]),
    close() {
      unwatch()
      keyboard.close()
    },
  }
}
