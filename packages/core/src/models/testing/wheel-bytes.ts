import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32, deflateRawSync } from 'node:zlib'

/** Writes a wheel that pip accepts, with these members, into the folder; returns its file name. */
export async function writeWheel(
  folder: string,
  name: string,
  members: Readonly<Record<string, Buffer>>,
  { version = '1.0', isCompressed = false } = {},
): Promise<string> {
  const escaped = name.replaceAll('-', '_')
  const info = `${escaped}-${version}.dist-info`
  const file = `${escaped}-${version}-py3-none-any.whl`
  const all = {
    ...members,
    [`${info}/METADATA`]: Buffer.from(`Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n`),
    [`${info}/WHEEL`]: Buffer.from('Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n'),
    [`${info}/RECORD`]: Buffer.from(''),
  }
  await writeFile(join(folder, file), zipBytes(all, { isCompressed }))
  return file
}

/** `start`: where it begins in its file. */
export function zipBytes(members: Readonly<Record<string, Buffer>>, { isCompressed = false, start = 0 } = {}): Buffer {
  const local: Buffer[] = []
  const central: Buffer[] = []
  let offset = start
  for (const [name, data] of Object.entries(members)) {
    const path = Buffer.from(name)
    const stored = isCompressed ? deflateRawSync(data) : data
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0)
    common.writeUInt16LE(isCompressed ? 8 : 0, 4)
    common.writeUInt32LE(crc32(data), 10)
    common.writeUInt32LE(stored.length, 14)
    common.writeUInt32LE(data.length, 18)
    common.writeUInt16LE(path.length, 22)
    local.push(signature(0x04034b50), common, path, stored)
    const rest = Buffer.alloc(14)
    rest.writeUInt32LE(offset, 10)
    central.push(signature(0x02014b50), Buffer.from([20, 0]), common, rest, path)
    offset += 4 + common.length + path.length + stored.length
  }
  const directory = Buffer.concat(central)
  const end = Buffer.alloc(18)
  end.writeUInt16LE(Object.keys(members).length, 4)
  end.writeUInt16LE(Object.keys(members).length, 6)
  end.writeUInt32LE(directory.length, 8)
  end.writeUInt32LE(offset, 12)
  return Buffer.concat([...local, directory, signature(0x06054b50), end])
}

function signature(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
