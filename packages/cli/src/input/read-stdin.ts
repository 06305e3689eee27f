import { isUtf8 } from 'node:buffer'
import { LmappError } from 'lmapp-kit'
import type { CommandContext } from '../context.ts'
import { formatBytes } from '../output/format.ts'
import { printNotice } from '../output/print-error.ts'
import { limits } from './attachments/limits.ts'

const silenceMs = 1000

/**
 * All of stdin, when it is a pipe or a file; undefined when it is a terminal or closed.
 * After a second without a byte it says on stderr what it waits for. Throws `bad-input` for what is no UTF-8.
 */
export async function readStdin(context: CommandContext, options: { quiet: boolean }): Promise<string | undefined> {
  const bytes = await readStdinBytes(context, options)
  return bytes && decodeText(bytes, 'stdin')
}

/** As `readStdin`, whatever it holds. */
export async function readStdinBytes(
  context: CommandContext,
  options: { quiet: boolean },
): Promise<Buffer | undefined> {
  if (context.stdin.kind === 'terminal' || context.stdin.kind === 'none') return undefined
  const notice = setTimeout(() => {
    if (!options.quiet) void printNotice(context.stderr, waiting)
  }, silenceMs)
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of context.stdin.stream) {
      clearTimeout(notice)
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
      length += bytes.length
      if (length > limits.stdin) throw tooLong()
      chunks.push(bytes)
    }
  } catch (cause) {
    if (cause instanceof LmappError) throw cause
    throw new LmappError('bad-input', 'stdin could not be read.', {
      hint: 'To ask without it: lmapp … < /dev/null',
      cause,
    })
  } finally {
    clearTimeout(notice)
  }
  return Buffer.concat(chunks)
}

/** Some producers never end. */
function tooLong(): LmappError {
  return new LmappError('bad-input', `stdin holds more than ${formatBytes(limits.stdin)}, the most that is taken.`, {
    hint: 'Give a part of it: … | head -c 1M | lmapp …',
  })
}

const waiting = 'Waiting for text on stdin. To ask without it: lmapp … < /dev/null'

/** Throws `bad-input`, naming the first line that is no UTF-8. */
export function decodeText(bytes: Buffer, name: string): string {
  if (!isUtf8(bytes)) {
    throw new LmappError('bad-input', `${name} is not valid UTF-8: line ${firstInvalidLine(bytes)}.`, {
      hint: `Convert it first, for example: iconv -f latin1 -t utf-8`,
    })
  }
  const text = bytes.toString('utf8')
  return text.startsWith('\ufeff') ? text.slice(1) : text
}

function firstInvalidLine(bytes: Buffer): number {
  let line = 1
  let start = 0
  for (;;) {
    const end = bytes.indexOf(0x0a, start)
    const stop = end < 0 ? bytes.length : end
    if (end < 0 || !isUtf8(bytes.subarray(start, stop))) return line
    line++
    start = stop + 1
  }
}
