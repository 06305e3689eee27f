import type { Readable, Writable } from 'node:stream'
import type { CommandContext } from '../context.ts'

export interface Choice<Value> {
  value: Value
  label: string
  hint?: string
}

/** Questions on a terminal. Each resolves with `undefined` when it was left by Esc or Ctrl-C. */
export interface Form {
  choose<Value>(question: string, choices: readonly Choice<Value>[], initial?: Value): Promise<Value | undefined>
  /** Asks again until `problemOf` finds nothing wrong. */
  ask(
    question: string,
    options: { initial?: string; placeholder?: string; problemOf(text: string): string | undefined },
  ): Promise<string | undefined>
  confirm(question: string): Promise<boolean>
  /** Something to read, with a title. */
  tell(text: string, title: string): void
}

/** Choices that are shown at once; the rest scrolls. */
const mostShown = 14

export async function openForm({ stdin, stdout }: CommandContext): Promise<Form> {
  const clack = await import('@clack/prompts')
  const streams = { input: stdin.stream as Readable, output: stdout.stream as unknown as Writable }
  const unlessLeft = <Value>(answer: Value | symbol) => (clack.isCancel(answer) ? undefined : (answer as Value))
  return {
    async choose<Value>(message: string, choices: readonly Choice<Value>[], initial?: Value) {
      // Places instead of values, which may be of any type.
      const options = choices.map(({ label, hint }, value) => ({ value, label, ...(hint !== undefined && { hint }) }))
      const initialValue = Math.max(
        choices.findIndex(({ value }) => value === initial),
        0,
      )
      const answer = await clack.select({ ...streams, message, options, initialValue, maxItems: mostShown })
      const place = unlessLeft<number>(answer)
      return place === undefined ? undefined : choices[place]?.value
    },
    async ask(message, { initial = '', placeholder, problemOf }) {
      const answer = await clack.text({
        ...streams,
        message,
        initialValue: initial,
        ...(placeholder !== undefined && { placeholder }),
        validate: (text) => problemOf(text ?? ''),
      })
      return unlessLeft<string>(answer)
    },
    async confirm(message) {
      return unlessLeft<boolean>(await clack.confirm({ ...streams, message, initialValue: false })) ?? false
    },
    tell: (text, title) => clack.note(text, title, streams),
  }
}
