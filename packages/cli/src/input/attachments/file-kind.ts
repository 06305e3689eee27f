export type FileKind =
  | { kind: 'image'; mediaType: string }
  | { kind: 'pdf' }
  /** Something that no model reads; `what` completes "it is …". */
  | { kind: 'binary'; what: string }
  | { kind: 'text' }

/** First bytes of files, in hex. */
const signatures: readonly (readonly [string, FileKind])[] = [
  ['89504e470d0a1a0a', { kind: 'image', mediaType: 'image/png' }],
  ['ffd8ff', { kind: 'image', mediaType: 'image/jpeg' }],
  ['474946383761', { kind: 'image', mediaType: 'image/gif' }],
  ['474946383961', { kind: 'image', mediaType: 'image/gif' }],
  ['25504446', { kind: 'pdf' }],
  ['504b0304', { kind: 'binary', what: 'a ZIP archive or an office document' }],
  ['1f8b', { kind: 'binary', what: 'a gzip archive' }],
  ['47475546', { kind: 'binary', what: 'a GGUF model' }],
  ['7f454c46', { kind: 'binary', what: 'a program' }],
]

/** Told by content: a name may lie. UTF-16 counts as binary, since it holds zero bytes. */
export function kindOfContent(bytes: Buffer): FileKind {
  const head = bytes.subarray(0, 12)
  if (head.toString('latin1', 0, 4) === 'RIFF' && head.toString('latin1', 8, 12) === 'WEBP') {
    return { kind: 'image', mediaType: 'image/webp' }
  }
  const hex = head.toString('hex')
  const known = signatures.find(([signature]) => hex.startsWith(signature))
  if (known) return known[1]
  return bytes.includes(0) ? { kind: 'binary', what: 'a binary file' } : { kind: 'text' }
}
