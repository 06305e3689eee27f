import type { OutputStream } from '../../../../output/output.ts'
import type { Size } from './frame.ts'

/** Of the terminal as it is now. */
export function sizeOf(stream: OutputStream): Size {
  const rows = 'rows' in stream && typeof stream.rows === 'number' ? stream.rows : 24
  return { columns: Math.max(1, stream.columns || 80), rows: Math.max(1, rows || 24) }
}

/** Calls back when the terminal has another size; returns what ends that. */
export function watchSize(stream: OutputStream, onChange: () => void): () => void {
  if (!('off' in stream) || !('on' in stream)) return () => {}
  const { on, off } = stream as Partial<NodeJS.EventEmitter>
  on?.call(stream, 'resize', onChange)
  return () => void off?.call(stream, 'resize', onChange)
}
