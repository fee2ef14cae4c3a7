"""Questions about the Constitution of the United States, each with words of the passage that answers it.

The text beside this file is the Constitution with its 27 amendments, which is in the public domain; two
transcriptions were compared word by word.
"""

from __future__ import annotations

from typing import Final

CONSTITUTION_QUESTIONS: Final = (
    ("How old must a member of the House of Representatives be?", "Age of twenty five Years"),
    ("What age does a Senator need?", "thirty Years, and been nine Years"),
    ("Who presides over the Senate?", "Vice President of the United States shall be President of the Senate"),
    ("Who presides when the President is impeached and tried?", "the Chief Justice shall preside"),
    ("Where must bills for raising revenue originate?", "All Bills for raising Revenue"),
    ("What happens if the President does not return a bill within ten days?", "(Sundays excepted)"),
    ("Which power regulates commerce with foreign nations?", "To regulate Commerce with foreign Nations"),
    ("Who can declare war?", "To declare War"),
    ("Can Congress establish post offices and roads?", "To establish Post Offices"),
    ("How are authors and inventors protected?", "Authors and Inventors the exclusive Right"),
    ("When can habeas corpus be suspended?", "Privilege of the Writ of Habeas Corpus"),
    ("Are titles of nobility granted?", "No Title of Nobility shall be granted by the United States"),
    ("May a state coin money or enter into treaties?", "No State shall enter into any Treaty"),
    ("Who may become President, must he be born a citizen?", "natural born Citizen"),
    ("What oath does the President take?", "I do solemnly swear"),
    ("Who is commander in chief of the army and navy?", "Commander in Chief of the Army"),
    ("Why can civil officers be removed from office?", "Treason, Bribery"),
    ("What is treason and how many witnesses does it need?", "Treason against the United States"),
    ("Which cases does the judicial power extend to?", "The judicial Power shall extend to all Cases"),
    ("How are new states admitted into the Union?", "New States may be admitted"),
    ("How can the Constitution be amended?", "on the Application of the Legislatures"),
    ("What is the supreme law of the land?", "supreme Law of the Land"),
    ("Is freedom of speech and of the press protected?", "abridging the freedom of speech"),
    ("Is there a right to keep and bear arms?", "right of the people to keep and bear"),
    ("Are unreasonable searches and seizures forbidden?", "unreasonable searches and seizures"),
    ("Can somebody be forced to be a witness against himself?", "witness against himself"),
    ("Are cruel and unusual punishments allowed?", "cruel and unusual punishments"),
    ("When was slavery abolished?", "Neither slavery nor involuntary servitude"),
    ("Can women vote whatever their sex?", "on account of sex"),
    (
        "How often may a person be elected President?",
        "No person shall be elected to the office",
    ),
    ("At which age may citizens vote?", "who are eighteen"),
    ("What taxes on incomes may Congress collect?", "taxes on incomes"),
)
