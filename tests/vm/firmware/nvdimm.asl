// SPDX-License-Identifier: Apache-2.0
/*
 * The firmware of the machine `clears`: an NVDIMM root device whose _DSM can do what the ACPI specification (6.5, 9.20.7)
 * lets it: say where errors are (ARS), clear them, take injected ones, and tell of them (Notify 0x81).
 *
 * Its list of errors lies in a page range that is reserved and a file on the host: so it survives a reset like that of
 * real firmware does, and the host can read it at any time. The range begins with what "Query ARS status" answers, ready
 * to be handed out: 48 bytes of head, then records of 24 bytes (handle, reserved, address, length; 64 bits each but the
 * first two). Reading "bad" memory does not fault.
 *
 * Integers have 32 bits here (the DSDT of QEMU is of revision 1), so all addresses lie below 4 GiB.
 */
DefinitionBlock ("", "SSDT", 2, "PMEND ", "NVDIMMFW", 0x00000001)
{
    Scope (\_SB)
    {
        Device (NVDR)
        {
            Name (_HID, "ACPI0012")

            OperationRegion (ERRS, SystemMemory, 0x3FF00000, 0x5000)
            Field (ERRS, DWordAcc, NoLock, Preserve)
            {
                STAT, 32,           // status and length of the answer
                OLEN, 32,
                ASTA, 32,           // what was scrubbed
                Offset (16),
                ALEN, 32,
                Offset (40),
                ATYP, 32,           // type and flags of the scrub
                ECNT, 32,           // number of records
                Offset (0x4000),
                NCLR, 32,           // how often errors were cleared, since the memory was made
                STUB, 32            // not 0: clearing fails (the host's switch)
            }
            Field (ERRS, DWordAcc, NoLock, Preserve)
            {
                ABUF, 98688         // head and 512 records
            }
            Name (ARSV, 0)          // a scrub has been started since boot

            Method (PUT4, 3, Serialized)        // PUT4 (Buffer, Offset, Value)
            {
                CreateDWordField (Arg0, Arg1, FLD4)
                FLD4 = Arg2
            }
            Method (GET4, 2, Serialized)        // GET4 (Buffer, Offset)
            {
                CreateDWordField (Arg0, Arg1, FLD5)
                Return (FLD5)
            }
            Method (PUTR, 4, Serialized)        // PUTR (Buffer, Number, Address, Length): sets a record
            {
                PUT4 (Arg0, 56 + (Arg1 * 24), Arg2)
                PUT4 (Arg0, 64 + (Arg1 * 24), Arg3)
            }

            Method (ADDE, 2, Serialized)        // adds an error: ADDE (Address, Length)
            {
                Local0 = ABUF
                If (ECNT < 512)
                {
                    PUTR (Local0, ECNT, Arg0, Arg1)
                    ABUF = Local0
                    ECNT++
                }
            }

            Method (DELE, 2, Serialized)        // takes [Arg0, Arg0 + Arg1) out of all records
            {
                Local0 = ABUF
                Local1 = ECNT
                Local2 = 0
                Local6 = Arg0 + Arg1
                While (Local2 < Local1)
                {
                    Local3 = GET4 (Local0, 56 + (Local2 * 24))
                    Local4 = GET4 (Local0, 64 + (Local2 * 24))
                    Local5 = Local3 + Local4
                    If ((Local3 < Local6) && (Arg0 < Local5))
                    {
                        // The last record takes the place of this one; what is left of this one comes last.
                        Local1--
                        PUTR (Local0, Local2, GET4 (Local0, 56 + (Local1 * 24)), GET4 (Local0, 64 + (Local1 * 24)))
                        If (Local3 < Arg0)
                        {
                            PUTR (Local0, Local1, Local3, Arg0 - Local3)
                            Local1++
                        }
                        If ((Local6 < Local5) && (Local1 < 512))
                        {
                            PUTR (Local0, Local1, Local6, Local5 - Local6)
                            Local1++
                        }
                    }
                    Else
                    {
                        Local2++
                    }
                }
                ABUF = Local0
                ECNT = Local1
            }

            Method (ARSC, 0, Serialized)        // 1: ARS capabilities
            {
                Name (CAPB, Buffer (16) {})
                PUT4 (CAPB, 0, 0x00020000)      // persistent memory can be scrubbed
                PUT4 (CAPB, 4, 0x4000)          // longest answer of "Query ARS status"
                PUT4 (CAPB, 8, 0x100)           // unit of clearing
                PUT4 (CAPB, 12, 0x3)            // tells of new errors
                Return (CAPB)
            }

            Method (ARSS, 1, Serialized)        // 2: starts a scrub, which is done at once
            {
                ARSV = 1
                ASTA = GET4 (Arg0, 0)
                ALEN = GET4 (Arg0, 8)
                Name (STAB, Buffer (8) {})
                PUT4 (STAB, 4, 1)               // estimated seconds
                Return (STAB)
            }

            Method (ARSQ, 0, Serialized)        // 3: what the scrub found
            {
                If (ARSV == 0)
                {
                    Name (NONE, Buffer (48) {})
                    PUT4 (NONE, 0, 0x00020000)  // no scrub was made
                    PUT4 (NONE, 4, 48)
                    Return (NONE)
                }
                STAT = 0
                OLEN = 48 + (ECNT * 24)
                ATYP = 2                        // persistent memory
                Return (ABUF)
            }

            Method (CLRE, 1, Serialized)        // 4: clears errors
            {
                Name (CLRB, Buffer (16) {})
                Local1 = GET4 (Arg0, 0)
                Local2 = GET4 (Arg0, 8)
                If ((Local1 & 0xFF) || (Local2 & 0xFF) || (STUB != 0))
                {
                    PUT4 (CLRB, 0, 2)           // invalid parameters
                    Return (CLRB)
                }
                NCLR++
                DELE (Local1, Local2)
                PUT4 (CLRB, 8, Local2)          // length of what was cleared
                Return (CLRB)
            }

            Method (INJE, 1, Serialized)        // 7: injects an error
            {
                Name (SETB, Buffer (4) {})
                Local1 = GET4 (Arg0, 0)
                Local2 = GET4 (Arg0, 8)
                DELE (Local1, Local2)
                ADDE (Local1, Local2)
                If (DerefOf (Arg0 [16]) & 1) { Notify (NVDR, 0x81) }
                Return (SETB)
            }

            Method (INJS, 0, Serialized)        // 9: what is injected, as far as it has room in 4096 bytes
            {
                Name (GETB, Buffer (4088) {})
                Local0 = ABUF
                Local1 = ECNT
                If (Local1 > 255) { Local1 = 255 }
                PUT4 (GETB, 4, Local1)
                Local2 = 0
                While (Local2 < Local1)
                {
                    PUT4 (GETB, 8 + (Local2 * 16), GET4 (Local0, 56 + (Local2 * 24)))
                    PUT4 (GETB, 16 + (Local2 * 16), GET4 (Local0, 64 + (Local2 * 24)))
                    Local2++
                }
                Return (GETB)
            }

            Method (_DSM, 4, Serialized)
            {
                If (Arg0 != ToUUID ("2f10e7a4-9e91-11e4-89d3-123b93f75cba"))
                {
                    Return (Buffer (1) { 0 })
                }
                Name (INBF, Buffer (64) {})
                If (SizeOf (Arg3) > 0) { INBF = DerefOf (Arg3 [0]) }
                Switch (ToInteger (Arg2))
                {
                    Case (0) { Return (Buffer (4) { 0x9F, 0x03, 0, 0 }) }
                    Case (1) { Return (ARSC ()) }
                    Case (2) { Return (ARSS (INBF)) }
                    Case (3) { Return (ARSQ ()) }
                    Case (4) { Return (CLRE (INBF)) }
                    Case (7) { Return (INJE (INBF)) }
                    Case (8)                    // takes injected errors back
                    {
                        DELE (GET4 (INBF, 0), GET4 (INBF, 8))
                        Return (Buffer (4) { 0, 0, 0, 0 })
                    }
                    Case (9) { Return (INJS ()) }
                }
                Return (Buffer (4) { 1, 0, 0, 0 })      // not supported
            }
        }
    }
}
