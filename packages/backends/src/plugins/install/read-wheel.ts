import { LmappError, manifestFileName } from 'lmapp-kit'

/** Where a wheel has its manifest, and what it says. */
export interface WheelManifest {
  /** As `lmapp_backend_llm/lmapp-backend.json`: from the folder that Python's packages are in. */
  member: string
  text: string
}

const mostBytes = 1024 * 1024

/** Unpacks nothing but the manifest. `name`: where the file comes from, for messages. Throws `bad-input` where there is none, or more than one; `download-failed`. */
export async function readWheel(file: string, name: string = file): Promise<WheelManifest> {
  // CommonJS: in a bundle only the default export is there.
  const { default: yauzl } = await import('yauzl')
  try {
    const zip = await yauzl.openPromise(file, { lazyEntries: true, autoClose: false })
    try {
      const found = []
      for await (const entry of zip.eachEntry()) if (manifestMember.test(entry.fileName)) found.push(entry)
      const [first, ...others] = found
      if (!first || others.length > 0)
        throw notOne(
          name,
          found.map(({ fileName }) => fileName),
        )
      if (first.uncompressedSize > mostBytes) throw wrong(name, `its ${manifestFileName} is larger than 1 MiB`)
      const chunks: Buffer[] = []
      for await (const chunk of await zip.openReadStreamPromise(first)) chunks.push(chunk)
      return { member: first.fileName, text: Buffer.concat(chunks).toString('utf8') }
    } finally {
      zip.close()
    }
  } catch (error) {
    if (error instanceof LmappError) throw error
    const message = `${name} is a damaged wheel: ${(error as Error).message}`
    throw new LmappError('download-failed', message, { hint: 'Fetch it, or build it, again', cause: error })
  }
}

/** In a package of Python, or beside them. */
const manifestMember = /^(\w+\/)?lmapp-backend\.json$/

function notOne(file: string, members: string[]): LmappError {
  if (members.length === 0) return wrong(file, `no package in it has a ${manifestFileName}`)
  return wrong(file, `it holds ${members.length} of them: ${members.join(', ')}`)
}

function wrong(file: string, why: string): LmappError {
  return new LmappError('bad-input', `${file} is no plugin: ${why}.`, {
    hint: `A plugin is a package with one ${manifestFileName}`,
    details: { file },
  })
}
