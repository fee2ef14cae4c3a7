"""Questions about four adventures of Sherlock Holmes, each with words of the passage that answers it.

The text beside this file is in the public domain. The questions were written before anything was measured on
them, and nothing was chosen by them: whoever changes the search by what they answer writes others.
"""

from __future__ import annotations

from typing import Final

HOLMES_QUESTIONS: Final = (
    ("By what name does Holmes always call Irene Adler?", "she is always THE woman"),
    ("How many steps lead up to the rooms in Baker Street?", "I know that there are seventeen steps"),
    ("In which country was the paper of the note made?", "The paper was made in Bohemia"),
    ("What did the royal visitor wear over his face?", "a black vizard mask"),
    ("Whom is the King going to marry?", "second daughter of the King of Scandinavia"),
    ("What compromising picture does the King want back?", "We were both in the photograph"),
    ("How much money did the King leave for expenses?", "three hundred pounds in gold and seven hundred"),
    ("As what kind of workman did Holmes disguise himself to visit the stables?", "drunken-looking groom"),
    ("Who is Godfrey Norton by profession?", "Mr. Godfrey Norton, of the Inner Temple"),
    ("Where did the wedding take place?", "Church of St. Monica in the Edgeware Road"),
    ("What did the bride give to the witness?", "The bride gave me a sovereign"),
    ("What was Watson told to throw into the room?", "an ordinary plumber's smoke-rocket"),
    ("What should Watson shout?", 'You quite follow me?" "Entirely."'),
    ("As what kind of clergyman did Holmes appear?", "simple-minded Nonconformist clergyman"),
    ("Where was the picture hidden?", "in a recess behind a sliding panel"),
    ("Who wished Holmes good-night in the street?", "Good-night, Mister Sherlock Holmes"),
    ("What did Holmes ask for instead of the emerald ring?", "This photograph!"),
    ("What is Jabez Wilson's business?", "small pawnbroker's business at Coburg Square"),
    ("Why did the pawnbroker's assistant cost so little?", "willing to come for half wages"),
    ("Who founded the League?", "League was founded by an American millionaire, Ezekiah Hopkins"),
    ("How much did a member of the League earn a week?", "salary of 4 pounds a week"),
    ("What did Mr. Wilson have to copy out?", 'to copy out the "Encyclopaedia Britannica."'),
    ("What did the card on the locked door say?", "THE RED-HEADED LEAGUE IS DISSOLVED"),
    ("Which hobby kept the assistant in the cellar?", "diving down into the cellar like a rabbit"),
    ("How many pipes does Holmes need for this problem?", "quite a three pipe problem"),
    (
        "Why did Holmes beat on the pavement with his stick?",
        "whether the cellar stretched out in front or behind",
    ),
    ("What did Holmes look at on the assistant's trousers?", "The knees of his trousers"),
    ("Who is John Clay?", "murderer, thief, smasher, and forger"),
    ("Which coins lay in the vault of the bank?", "30,000 napoleons"),
    ("Who is the director of the bank?", "Mr. Merryweather is the chairman of directors"),
    ("What does the arrested man demand, being of royal blood?", "say 'sir' and 'please.'"),
    ("Which musician did they hear in the afternoon?", "Sarasate plays at the St. James's Hall"),
    (
        "Which bird did the commissionaire bring together with a hat?",
        "He brought round both hat and goose to me",
    ),
    ("What was found in the bird's crop?", "found in its crop"),
    ("To whom does the gem belong?", "Countess of Morcar's blue carbuncle"),
    ("What reward was offered for the return of the jewel?", "the reward offered of 1000 pounds"),
    ("Who was accused of the theft in the hotel?", "John Horner, 26, plumber"),
    (
        "Why did Holmes think that the owner's wife had ceased to love him?",
        "This hat has not been brushed for weeks",
    ),
    ("Where did Mr. Baker join a goose club?", "Alpha Inn, near the Museum"),
    ("With what trick did Holmes learn where the geese came from?", "you can always draw him by a bet"),
    ("Who raised the geese?", "Mrs. Oakshott, 117, Brixton Road"),
    ("Who had stolen the stone in truth?", "my real name is James Ryder"),
    ("Why does Holmes let the culprit go?", "it is the season of forgiveness"),
    ("Why did Helen Stoner shiver?", "It is not cold which makes me shiver"),
    ("Which animals does Dr. Roylott keep in his garden?", "he has at this moment a cheetah and a baboon"),
    ("What did the visitor do with the iron poker?", "bent it into a curve with his huge brown hands"),
    ("What were the sister's last words?", "It was the band! The speckled band!"),
    ("What did she hear in the night before the death?", "heard anyone whistle in the dead of the night"),
    ("What was odd about the rope of the bell?", "it is not even attached to a wire"),
    ("Where does the ventilator lead?", "a ventilator into another room"),
    ("Why could the bed not be moved?", "It was clamped to the floor"),
    ("What was in the saucer on the safe?", "a small saucer of milk"),
    ("Which snake killed the doctor?", "It is a swamp adder!"),
)
