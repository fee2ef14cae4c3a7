"""Questions about Alice's Adventures in Wonderland, each with words of the passage that answers it.

The text beside this file is in the public domain. The way in which the search joins scores was chosen by
these questions: what they answer says that nothing is broken, not how well the search does elsewhere.
"""

from __future__ import annotations

from typing import Final

ALICE_QUESTIONS: Final = (
    ("What did the White Rabbit take out of his pocket?", "TOOK A WATCH OUT OF ITS WAISTCOAT- POCKET"),
    ("What was in the jar that Alice took from a shelf as she fell?", "labelled `ORANGE MARMALADE'"),
    ("What is Alice's cat called?", "Dinah was the cat"),
    ("What lay on the three-legged glass table?", "a tiny golden key"),
    ("What did the label on the little bottle say?", "the words `DRINK ME'"),
    ("What did the drink taste of?", "cherry-tart, custard, pine-apple, roast turkey"),
    ("Which words were written on the cake, and in what?", "beautifully marked in currants"),
    ("How tall did Alice become in the hall?", "more than nine feet high"),
    ("What did the Rabbit drop when he was frightened?", "dropped the white kid gloves and the fan"),
    ("Which poem about a crocodile did Alice recite wrongly?", "How doth the little crocodile"),
    ("What was the water made of in which Alice swam?", "pool of tears which she had wept"),
    ("Why was the Mouse offended by talk of pets?", "Our family always HATED cats"),
    ("What is the driest thing the Mouse knows?", "William the Conqueror, whose cause was favoured"),
    (
        "How did the animals get dry, and who proposed the race?",
        "to get us dry would be a Caucus-race",
    ),
    ("What prizes did Alice hand out?", "a box of comfits"),
    ("What did Alice herself receive as a prize?", "We beg your acceptance of this elegant thimble"),
    ("For whom did the Rabbit mistake Alice?", "Why, Mary Ann, what ARE you doing out here?"),
    ("Which animal came down the chimney and was kicked out?", "There goes Bill!"),
    ("What became of the pebbles that were thrown at Alice?", "all turning into little cakes"),
    ("What was the Caterpillar doing on the mushroom?", "quietly smoking a long hookah"),
    ("Which poem did the Caterpillar ask to hear?", "You are old, Father William"),
    ("How high is the Caterpillar?", "it was exactly three inches high"),
    ("What happens if one eats from either side of the mushroom?", "One side will make you grow taller"),
    ("Why does the Pigeon take Alice for a snake?", "little girls eat eggs quite as much as serpents do"),
    ("To what did the fish footman bring an invitation?", "An invitation from the Queen to play croquet"),
    ("What was too plentiful in the soup?", "too much pepper in that soup"),
    ("Why does the cat of the Duchess grin?", "It's a Cheshire cat"),
    ("What did the baby turn into?", "it was neither more nor less than a pig"),
    ("What remained of the cat after it had vanished?", "the grin, which remained some time after the rest"),
    ("Which riddle did the Hatter ask?", "Why is a raven like a writing-desk?"),
    ("With what was the Hatter's watch smeared?", "told you butter wouldn't suit the works"),
    ("Why is it always tea-time for the Hatter?", "It's always six o'clock now"),
    ("On what did the three sisters in the well live?", "They lived on treacle"),
    ("Where did they try to put the Dormouse at last?", "trying to put the Dormouse into the teapot"),
    ("Why were the gardeners painting roses?", "this here ought to have been a RED rose-tree"),
    ("What served as mallets and balls in the game of croquet?", "the mallets live flamingoes"),
    ("Why could the executioner not behead the cat?", "you couldn't cut off a head unless there was a body"),
    ("What does the Duchess find in everything?", "Everything's got a moral, if only you can find it"),
    ("What is Mock Turtle Soup made from?", "It's the thing Mock Turtle Soup is made from"),
    ("Why was the old teacher called Tortoise?", "We called him Tortoise because he taught us"),
    ("Which branches of Arithmetic did they learn?", "Ambition, Distraction, Uglification, and Derision"),
    ("Why are lessons called so?", "because they lessen from day to day"),
    ("With what are boots and shoes under the sea done?", "are done with a whiting"),
    ("Who stole the tarts?", "The Knave of Hearts, he stole those tarts"),
    ("What did the jurors write down before the trial began?", "They're putting down their names"),
    (
        "Which rule told tall people to leave the court?",
        "ALL PERSONS MORE THAN A MILE HIGH",
    ),
    ("What does the Queen want to have before the verdict?", "Sentence first--verdict afterwards"),
    ("With what words did Alice end the trial?", "You're nothing but a pack of cards!"),
)
