import type { Writable } from 'node:stream'

/** Where lines go. */
export interface Output {
  /** False when the other side should first read: wait for `drained`. The text is taken in any case. */
  write(text: string): boolean
  /** Resolves when there is room again, or nobody will ever read. */
  drained(): Promise<void>
}

/** `write`: where the stream's own was replaced. Errors of the stream are the owner's to hear. */
export function createOutput(stream: Writable, write: (text: string) => boolean = stream.write.bind(stream)): Output {
  let waiter: PromiseWithResolvers<void> | undefined
  const release = () => {
    waiter?.resolve()
    waiter = undefined
  }
  for (const event of ['drain', 'close', 'error']) stream.on(event, release)
  return {
    write: (text) => stream.writable && write(text),
    drained: () => {
      if (!stream.writableNeedDrain || !stream.writable) return Promise.resolve()
      waiter ??= Promise.withResolvers()
      return waiter.promise
    },
  }
}
