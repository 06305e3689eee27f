/** A vector of length 1 that depends on the text alone. */
export function toVector(text: string, dimensions: number): Float32Array {
  let state = 0x811c9dc5
  for (const byte of Buffer.from(text)) state = Math.imul(state ^ byte, 0x01000193)
  const raw = Array.from({ length: dimensions }, () => {
    state = (Math.imul(state, 0x0019660d) + 0x3c6ef35f) | 0
    return state / 0x80000000
  })
  const norm = Math.hypot(...raw) || 1
  return Float32Array.from(raw, (value) => value / norm)
}
