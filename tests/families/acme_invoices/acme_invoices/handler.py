"""The type `send_invoice`: keeps an invoice, in one commit with the job's completion."""

from __future__ import annotations

import msgspec

from acme_invoices.payload import SendInvoice
from acme_invoices.settings import InvoiceSettings
from acme_invoices.statements import SQL
from rowcrew import Context, Crew

crew = Crew()


@crew.job("send_invoice", executor="thread")
def send_invoice(payload: SendInvoice, context: Context) -> str:
    """Send an invoice."""
    current = InvoiceSettings.read()
    invoice = msgspec.structs.asdict(payload) | {"sender": current.sender, "due": current.due_seconds}
    with context.transaction() as connection:
        ((number,),) = connection.execute(SQL["keep_invoice"], invoice)
    return f"{current.sender}-{number}"
