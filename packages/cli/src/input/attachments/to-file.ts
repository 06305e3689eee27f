import { extname } from 'node:path'
import type { FileContent } from 'lmapp-kit'

const mediaTypes: Record<string, string> = {
  '.md': 'text/markdown',
  '.html': 'text/html',
  '.css': 'text/css',
  '.csv': 'text/csv',
  '.json': 'application/json',
  '.xml': 'application/xml',
}

export function toFile(name: string, text: string): FileContent {
  return { type: 'file', name, mediaType: mediaTypes[extname(name).toLowerCase()] ?? 'text/plain', text }
}
