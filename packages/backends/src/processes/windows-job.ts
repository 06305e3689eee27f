/**
 * PowerShell that puts a process into a job object which ends all its processes when its last handle is closed, and
 * holds that handle until its stdin ends. Structures and numbers are those of Microsoft's documentation of
 * `SetInformationJobObject` (class 9, limit `KILL_ON_JOB_CLOSE` 0x2000). Not tried on Windows yet.
 */
export function windowsJobScript(pid: number): string {
  return `$ErrorActionPreference = 'Stop'
Add-Type -TypeDefinition @'
${source}
'@
[LmappJob]::Hold(${pid})
[Console]::In.ReadToEnd() | Out-Null`
}

/** The limit's flags stand after two times 8 bytes in both layouts; the whole is 144 bytes long, with 32 bits 112. */
const source = `using System;
using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
public static class LmappJob {
  [DllImport("kernel32.dll", SetLastError = true)] static extern IntPtr CreateJobObject(IntPtr security, string name);
  [DllImport("kernel32.dll", SetLastError = true)] static extern bool SetInformationJobObject(IntPtr job, int kind, IntPtr info, uint length);
  [DllImport("kernel32.dll", SetLastError = true)] static extern bool AssignProcessToJobObject(IntPtr job, IntPtr process);
  public static void Hold(int pid) {
    IntPtr job = CreateJobObject(IntPtr.Zero, null);
    int length = IntPtr.Size == 8 ? 144 : 112;
    IntPtr info = Marshal.AllocHGlobal(length);
    for (int at = 0; at < length; at++) Marshal.WriteByte(info, at, 0);
    Marshal.WriteInt32(info, 16, 0x2000);
    bool done = SetInformationJobObject(job, 9, info, (uint)length);
    Marshal.FreeHGlobal(info);
    if (!done || !AssignProcessToJobObject(job, Process.GetProcessById(pid).Handle)) throw new Win32Exception();
  }
}`
