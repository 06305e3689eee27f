import { createInterface } from 'node:readline'
import type { CommandContext } from '../../context.ts'
import type { LineEditor, ReadResult } from './line-editor.ts'

/** For terminals that can do no more than print: the system edits the line, and Ctrl-C is a signal. */
export function openPlainEditor({ stdin, stdout, signals }: CommandContext): LineEditor {
  const lines = createInterface({ input: stdin.stream, terminal: false })
  const ready: ReadResult[] = []
  let reader: ((result: ReadResult) => void) | undefined

  function deliver(result: ReadResult): void {
    if (reader) reader(result)
    else ready.push(result)
  }
  lines.on('line', (text) => deliver({ type: 'line', text }))
  lines.on('close', () => deliver({ type: 'end' }))

  return {
    signals,
    remember() {},
    async read(prompt) {
      await stdout.write(prompt)
      const next = ready.shift()
      if (next) return next
      const { promise, resolve } = Promise.withResolvers<ReadResult>()
      reader = resolve
      const release = signals.listen((signal) =>
        resolve(signal === 'SIGINT' ? { type: 'interrupt', hadText: false } : { type: 'signal', signal }),
      )
      try {
        return await promise
      } finally {
        reader = undefined
        release()
      }
    },
    close: () => lines.close(),
  }
}
