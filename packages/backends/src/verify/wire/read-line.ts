import { maxLineBytes } from 'lmapp-kit'
import { isFields } from '../../json/fields.ts'
import { type Findings, show } from './findings.ts'
import type { RawLine } from './raw-lines.ts'
import { type Incoming, toIncoming } from './rpc.ts'

export interface ReadLineOptions {
  findings: Findings
  /** What must stand in no message. */
  secrets: readonly string[]
}

/** A line as the message that it is; undefined when it is none, which is noted. An empty line is nothing. */
export function readLine(
  line: RawLine,
  { findings, secrets }: ReadLineOptions,
): { incoming: Incoming; message: Record<string, unknown> } | undefined {
  if ('tooLong' in line) {
    findings.note('wire.line-length', `A line is longer than ${maxLineBytes} bytes.`)
    return undefined
  }
  if (line.bytes.length === 0) return undefined
  const text = decode(line.bytes)
  if (text === undefined) {
    findings.note('wire.utf8', `This line is no UTF-8: ${show(line.bytes.toString())}`)
    return undefined
  }
  const hidden = hide(text, secrets)
  if (hidden !== text) findings.note('secrets.told', `A secret is in a message: ${show(hidden)}`)
  const message = parse(text)
  const incoming = isFields(message) ? toIncoming(message) : undefined
  if (isFields(message) && incoming) return { incoming, message }
  findings.note('wire.only-messages', `This came on stdout, and is no message: ${show(hidden)}`)
  return undefined
}

export function hide(text: string, secrets: readonly string[]): string {
  return secrets.reduce((hidden, secret) => hidden.replaceAll(secret, '[secret]'), text)
}

const decoder = new TextDecoder('utf-8', { fatal: true })

function decode(bytes: Buffer): string | undefined {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
