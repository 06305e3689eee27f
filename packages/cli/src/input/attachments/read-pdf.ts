import { LmappError } from 'lmapp-kit'
import { limits } from './limits.ts'

/** The text of a PDF, its pages with an empty line between. Throws `bad-input` for one that has none, is broken or has a password. */
export async function readPdfText(bytes: Buffer, shown: string): Promise<string> {
  const { extractText, getDocumentProxy } = await import('unpdf')
  const pdf = await open(() => getDocumentProxy(new Uint8Array(bytes), { verbosity: 0 }), shown)
  try {
    if (pdf.numPages > limits.pdfPages) {
      throw new LmappError('bad-input', `${shown} has ${pdf.numPages} pages; at most ${limits.pdfPages} are taken.`, {
        hint: 'Give a part of it',
      })
    }
    const { text } = await open(() => extractText(pdf, { mergePages: false }), shown)
    const whole = text.join('\n\n').trim()
    if (whole !== '') return whole
    throw new LmappError('bad-input', `${shown} holds no text: its pages are pictures.`, {
      hint: 'Give the pages as images, to a model that sees them',
    })
  } finally {
    await pdf.loadingTask.destroy()
  }
}

async function open<T>(read: () => Promise<T>, shown: string): Promise<T> {
  try {
    return await read()
  } catch (cause) {
    const locked = cause instanceof Error && cause.name === 'PasswordException'
    const what = locked ? 'is a PDF with a password' : 'is a broken PDF'
    throw new LmappError('bad-input', `${shown} ${what}.`, { hint: 'Give the text of it: lmapp -f FILE.txt …', cause })
  }
}
